// What a back end found out by measuring on this machine, kept for later runs.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace artemis {

// Where this user's caches lie: ARTEMIS_CACHE_DIR, else XDG_CACHE_HOME/artemis, else ~/.cache/artemis; empty
// when none of the three variables is set.
std::filesystem::path cache_folder();

// Plans by name, both printable ASCII without spaces. Not for use by several threads at once.
class PlanFile {
 public:
  // Reads what the file holds. One that is absent, damaged or of another kind counts as empty, and the next
  // put() replaces it: nothing in it but time is lost. An empty path stands for no file.
  explicit PlanFile(std::filesystem::path file);

  // Null when there is none.
  const std::string* find(const std::string& name) const;

  // Adds a plan or replaces it, and writes the file anew with what other programs have added to it meanwhile;
  // a reader sees the old file or the new one. Where nothing can be written the plan lasts as long as this
  // object.
  void put(const std::string& name, const std::string& plan);

 private:
  std::filesystem::path file_;
  std::map<std::string, std::string> plans_;
};

// The bytes as hexadecimal digits, and back; from_hex is false, with nothing written, when the text is not
// exactly `size` bytes.
std::string to_hex(const void* bytes, std::size_t size);
bool from_hex(std::string_view text, void* bytes, std::size_t size);

}  // namespace artemis
