// Runs a fuzz target once on every file of a folder; none may take more than a second of processor time.
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Seconds of processor time that the target takes on the file's bytes.
double replay(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(stream), {});
  const std::clock_t start = std::clock();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  int files = 0;
  int slow = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::printf("%s\n", entry.path().c_str());
    std::fflush(stdout);  // the last line names the file that crashed
    const double seconds = replay(entry.path());
    if (seconds > 1.0) {
      std::fprintf(stderr, "%s: takes %.2f s, at most 1 s is allowed\n", entry.path().c_str(), seconds);
      ++slow;
    }
    ++files;
  }
  if (files == 0) std::fprintf(stderr, "%s: no files in %s\n", argv[0], argv[1]);
  return files > 0 && slow == 0 ? 0 : 1;
}
