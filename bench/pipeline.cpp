// The data pipeline: rows of a picture and a caption, from a shard to micro-batches, by as many workers as
// there are threads. Bound by reading and writing the pixels once.
#include <unistd.h>

#include <filesystem>

#include "artemis/io/atomic_file.h"
#include "artemis/io/tar.h"
#include "artemis/train/pipeline.h"
#include "bench.h"

namespace artemis::bench {
namespace {

// A shard of the photos, each under 16 keys.
std::filesystem::path write_shard() {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / fmt::format("artemis-bench-{}.tar", getpid());
  TarWriter writer(file);
  int row = 0;
  for (int copy = 0; copy < 16; ++copy) {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(ARTEMIS_SOURCE_DIR) + "/lab/quickstart/photos")) {
      if (entry.path().extension() != ".jpg") continue;
      const std::string key = fmt::format("{:05}", row++);
      writer.append(key + ".jpg", read_file(entry.path()));
      writer.append(key + ".txt", "A photo of a thing on a table.");
    }
  }
  writer.close();
  return file;
}

}  // namespace

void bench_pipeline(Context& ctx, std::vector<Line>& lines, const Ceilings& ceilings) {
  const std::filesystem::path root = std::string(ARTEMIS_SOURCE_DIR) + "/tests/golden/model/base/checkpoint";
  const GraftConfig config = read_graft_config(root);
  const Processor processor = Processor::load(root, config);
  const std::filesystem::path shard = write_shard();
  PipelineOptions options;
  options.sources = {{.paths = {shard.string()}}};
  options.batch_size = 8;
  options.accumulation = 1;
  options.workers = ctx.pool().threads();
  double bytes = 0;
  {
    Pipeline pipeline(options, processor, config, {});
    const double seconds = median_seconds([&] {
      bytes = 0;
      for (int step = 0; step < 16; ++step) {
        for (const Batch& batch : pipeline.next())
          bytes += static_cast<double>(batch.pictures.pixel_values.bytes());
      }
    });
    lines.push_back({"data pipeline, 224 px JPEG and caption", 16.0 * 8.0 / seconds, "rows/s",
                     bytes / seconds / 1e9, ceilings.read, "GB/s"});
  }
  std::filesystem::remove(shard);
}

}  // namespace artemis::bench
