#include "artemis/serve/patience.h"

#include <algorithm>

#include "artemis/serve/api_error.h"

namespace artemis {
namespace {

double seconds_of(Patience::Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void Patience::check() const {
  if (gone_()) throw ApiError(client_gone, "The client has left.");
  if (Clock::now() >= deadline_)
    throw ApiError(504, "The answer took longer than this server allows.", "", "timeout");
}

std::string Patience::fetch(const std::function<std::string(double seconds)>& fetch) {
  const auto begin = Clock::now();
  std::string bytes = fetch(std::min(fetch_seconds_, seconds_of(deadline_ - begin)));
  fetch_seconds_ -= seconds_of(Clock::now() - begin);
  return bytes;
}

}  // namespace artemis
