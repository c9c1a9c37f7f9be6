// API keys, and names that nobody guesses or meets twice.
#pragma once

#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace artemis {

// The key in the value of an Authorization header, "Bearer KEY"; "" for none.
std::string_view bearer_key(std::string_view authorization);

// Whether the value of an Authorization header names one of the keys. The time it takes does
// not depend on how much of a key is right, nor on which key it is.
bool is_authorised(std::string_view authorization, const std::vector<std::string>& keys);

// The SHA-256 of bytes, 32 of them.
std::string sha256(std::string_view bytes);

// Names for requests, answers and calls: a prefix and 24 letters or digits. Any thread.
class RandomNames {
 public:
  RandomNames() : engine_(std::random_device{}()) {}
  std::string next(std::string_view prefix);

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace artemis
