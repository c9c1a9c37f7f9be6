#include "artemis/image/processor_config.h"

#include <cmath>
#include <string>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::int64_t bicubic = 3;                          // Pillow's number
constexpr std::int64_t most_pixels = std::int64_t{1} << 40;  // so that areas are exact in f64
constexpr std::string_view processors[] = {"Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast"};

void check_processor(const Json& json, std::string_view where) {
  const auto type = json_get_or<std::string>(json, "image_processor_type", where, "Qwen2VLImageProcessor");
  for (const std::string_view known : processors)
    if (type == known) return;
  fail(where,
       "key 'image_processor_type' is '{}', expected Qwen2VLImageProcessor or Qwen2VLImageProcessorFast",
       type);
}

std::int64_t read_pixels(const Json& json, std::string_view key, std::string_view size_key,
                         std::string_view where, std::int64_t fallback) {
  std::int64_t pixels = fallback;
  if (const auto size = json.find("size"); size != json.end() && size->is_object())
    pixels = json_get_or<std::int64_t>(*size, size_key, where, pixels);
  pixels = json_get_or<std::int64_t>(json, key, where, pixels);
  require(pixels >= 1 && pixels <= most_pixels, where, "key '{}' is {}, expected 1 to {}", key, pixels,
          most_pixels);
  return pixels;
}

// One number for all channels, or a list of three.
std::array<double, 3> read_channels(const Json& json, std::string_view key, std::string_view where,
                                    std::array<double, 3> fallback) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return fallback;
  std::array<double, 3> values{};
  if (found->is_number()) {
    values.fill(found->get<double>());
    return values;
  }
  require(found->is_array() && found->size() == values.size(), where,
          "key '{}': expected a number or a list of 3", key);
  for (std::size_t c = 0; c < values.size(); ++c) {
    require((*found)[c].is_number(), where, "key '{}': element {} is not a number", key, c);
    values[c] = (*found)[c].get<double>();
  }
  return values;
}

void check_patch_size(const Json& json, std::string_view key, std::int64_t model, std::string_view where) {
  const auto value = json_get_or<std::int64_t>(json, key, where, model);
  require(value == model, where, "key '{}' is {}, expected {} as the model's vision_config has it", key,
          value, model);
}

}  // namespace

PreprocessorConfig parse_preprocessor_config(const Json& json, const PatchSizes& model,
                                             std::string_view where) {
  require(json.is_object(), where, "expected a JSON object, found {}", json.type_name());
  check_processor(json, where);
  check_patch_size(json, "patch_size", model.patch, where);
  check_patch_size(json, "temporal_patch_size", model.temporal, where);
  check_patch_size(json, "merge_size", model.merge, where);
  require(json_get_or<std::int64_t>(json, "resample", where, bicubic) == bicubic, where,
          "key 'resample': expected 3 (bicubic)");
  require(json_get_or<bool>(json, "do_convert_rgb", where, true), where,
          "key 'do_convert_rgb': expected true");

  PreprocessorConfig config;
  config.sizes = model;
  config.min_pixels = read_pixels(json, "min_pixels", "shortest_edge", where, config.min_pixels);
  config.max_pixels = read_pixels(json, "max_pixels", "longest_edge", where, config.max_pixels);
  config.do_resize = json_get_or<bool>(json, "do_resize", where, config.do_resize);
  config.do_rescale = json_get_or<bool>(json, "do_rescale", where, config.do_rescale);
  config.do_normalize = json_get_or<bool>(json, "do_normalize", where, config.do_normalize);
  config.rescale_factor = json_get_or<double>(json, "rescale_factor", where, config.rescale_factor);
  config.mean = read_channels(json, "image_mean", where, config.mean);
  config.deviation = read_channels(json, "image_std", where, config.deviation);
  require(std::isfinite(config.rescale_factor) && config.rescale_factor > 0, where,
          "key 'rescale_factor' is {}, expected a positive number", config.rescale_factor);
  for (const double deviation : config.deviation)
    require(deviation > 0, where, "key 'image_std' holds {}, expected positive numbers", deviation);
  return config;
}

PreprocessorConfig load_preprocessor_config(const std::filesystem::path& directory, const PatchSizes& model) {
  const std::filesystem::path file = directory / "preprocessor_config.json";
  if (!std::filesystem::exists(file)) {
    PreprocessorConfig config;
    config.sizes = model;
    return config;
  }
  return parse_preprocessor_config(read_json(file), model, file.string());
}

std::array<std::array<float, 256>, 3> normalisation_table(const PreprocessorConfig& config) {
  const float scale = config.do_rescale ? static_cast<float>(1.0 / config.rescale_factor) : 1.0f;
  std::array<std::array<float, 256>, 3> table{};
  for (std::size_t c = 0; c < table.size(); ++c) {
    const float mean = static_cast<float>(config.mean[c]) * scale;
    const float deviation = static_cast<float>(config.deviation[c]) * scale;
    for (std::size_t level = 0; level < table[c].size(); ++level) {
      const auto value = static_cast<float>(level);
      if (config.do_normalize)
        table[c][level] = (value - mean) / deviation;
      else
        table[c][level] = config.do_rescale ? value * static_cast<float>(config.rescale_factor) : value;
    }
  }
  return table;
}

}  // namespace artemis
