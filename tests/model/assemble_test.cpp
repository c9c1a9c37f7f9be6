// Grafting and saving: what the reference's own graft holds, frozen tensors byte for byte, the text path bit
// for bit.
#include "artemis/model/assemble.h"

#include "artemis/io/atomic_file.h"
#include "artemis/model/initial.h"
#include "artemis/model/load.h"
#include "artemis/model/projector.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

const std::filesystem::path inputs = golden::model_root() / "graft";

std::string bytes_of(const CheckpointReader& checkpoint, const std::string& name) {
  const auto bytes = checkpoint.entry(name).bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Tensor logits_of(Context& ctx, const std::filesystem::path& directory, DType dtype) {
  const GraftConfig config = read_graft_config(directory);
  const Graft model = load_graft(ctx, CheckpointReader::open(directory), config, dtype);
  TextBatch batch{
      .input_ids = {24, 302, 230, 425, 14, 40, 77}, .offsets = {0, 7}, .positions = {0, 1, 2, 3, 4, 5, 6}};
  const Tensor logits = Tensor::allocate(DType::f32, {7, config.text.vocab_size});
  graft_logits(ctx, logits, batch, Tensor(), model, config);
  return logits;
}

TEST(Assemble, HoldsWhatTheReferencesGraftHolds) {
  const TemporaryFolder folder;
  assemble_graft(inputs / "text", inputs / "vision", folder.path() / "out", {});
  const CheckpointReader out = CheckpointReader::open(folder.path() / "out");
  const CheckpointReader text = CheckpointReader::open(inputs / "text");
  const CheckpointReader vision = CheckpointReader::open(inputs / "vision");
  const Json expected = read_json(inputs / "expected" / "tensors.json");
  std::size_t count = 0;
  for (const auto& [key, entry] : expected.items()) {
    const std::string name = entry.contains("name") ? entry["name"].get<std::string>() : key;
    ASSERT_TRUE(out.contains(name)) << name;
    EXPECT_EQ(entry["dtype"], "bfloat16");
    EXPECT_EQ(out.entry(name).dtype_name(), "BF16") << name;
    EXPECT_EQ(out.entry(name).shape(), entry["shape"].get<std::vector<std::int64_t>>()) << name;
    if (name.starts_with("language_model.")) {
      EXPECT_EQ(bytes_of(out, name), bytes_of(text, name.substr(15))) << name;
    }
    if (name.starts_with("visual.")) {
      EXPECT_EQ(bytes_of(out, name), bytes_of(vision, "model." + name)) << name;
    }
    ++count;
  }
  EXPECT_EQ(out.names().size(), count);
  const Json ours = read_json(folder.path() / "out" / "config.json");
  const Json theirs = read_json(inputs / "expected" / "config.json");
  for (const char* key :
       {"model_type", "image_token_id", "video_token_id", "projector_hidden_act", "dtype"}) {
    EXPECT_EQ(ours[key], theirs[key]) << key;
  }
  EXPECT_EQ(read_file(folder.path() / "out" / "tokenizer.json"),
            read_file(inputs / "text" / "tokenizer.json"));
}

TEST(Assemble, TheProjectorStartsWithinTheBoundOfATorchLinear) {
  Random random(1);
  const Mlp projector = initial_projector(64, 100, random);
  for (const auto& [linear, in] : {std::pair{&projector.fc1, 64.0f}, std::pair{&projector.fc2, 100.0f}}) {
    for (const Tensor* tensor : {&linear->weight, &linear->bias}) {
      const auto values = tensor->values<float>();
      const float largest =
          std::abs(*std::ranges::max_element(values, {}, [](float v) { return std::abs(v); }));
      EXPECT_LE(largest, 1.0f / std::sqrt(in));
      EXPECT_GE(largest, 0.9f / std::sqrt(in));
    }
  }
}

TEST(Assemble, TheTextPathIsTheBareDecoders) {
  const TemporaryFolder folder;
  assemble_graft(inputs / "text", inputs / "vision", folder.path() / "out", {});
  Context ctx(Device{}, 2);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor graft = logits_of(ctx, folder.path() / "out", dtype);
    const Tensor bare = logits_of(ctx, inputs / "text", dtype);
    EXPECT_TRUE(std::ranges::equal(graft.values<float>(), bare.values<float>()));
  }
}

TEST(Assemble, TheDtypeIsChangedWhenAsked) {
  const TemporaryFolder folder;
  assemble_graft(inputs / "text", inputs / "vision", folder.path() / "out", {.dtype = DType::f32});
  const CheckpointReader out = CheckpointReader::open(folder.path() / "out");
  for (const std::string& name : out.names()) EXPECT_EQ(out.entry(name).dtype_name(), "F32") << name;
}

TEST(Assemble, SavingKeepsEveryOtherTensorByteForByte) {
  const TemporaryFolder folder;
  const std::filesystem::path source =
      golden::model_root() / "bos" / "checkpoint";  // sharded, with DeepStack mergers
  const CheckpointReader before = CheckpointReader::open(source);
  const std::string trained = "multi_modal_projector.fc2.bias";
  const Tensor old = before.tensor(trained);
  const Tensor changed = Tensor::allocate(DType::f32, old.shape());
  for (std::int64_t i = 0; i < old.count(); ++i)
    changed.mutable_data<float>()[i] = old.data<float>()[i] + 1.0f;
  Context ctx(Device{}, 1);
  save_trained(ctx, source, before, {{{trained, old.shape(), Part::projector, -1}, changed}},
               folder.path() / "out");
  const CheckpointReader after = CheckpointReader::open(folder.path() / "out");
  EXPECT_EQ(after.names().size(), before.names().size());
  for (const std::string& name : before.names()) {
    if (name == trained) {
      EXPECT_TRUE(std::ranges::equal(after.tensor(name).values<float>(), changed.values<float>()));
    } else {
      EXPECT_EQ(bytes_of(after, name), bytes_of(before, name)) << name;
    }
  }
  for (const char* file :
       {"config.json", "tokenizer.json", "chat_template.jinja", "generation_config.json"}) {
    EXPECT_EQ(read_file(folder.path() / "out" / file), read_file(source / file)) << file;
  }
}

// The file with the trained tensor is new, the others are the source's own under a second name.
TEST(Assemble, SavingLinksTheShardsThatDidNotChange) {
  const TemporaryFolder folder;
  const std::filesystem::path golden = golden::model_root() / "bos" / "checkpoint";
  const std::filesystem::path source = folder.path() / "source";
  std::filesystem::copy(golden, source);
  const CheckpointReader before = CheckpointReader::open(source);
  ASSERT_GT(before.shards().size(), 1u);
  const std::string trained = "multi_modal_projector.fc2.bias";
  const Tensor values = Tensor::zeros(DType::f32, before.tensor(trained).shape());
  Context ctx(Device{}, 1);
  const SavedShards saved = save_trained(
      ctx, source, before, {{{trained, values.shape(), Part::projector, -1}, values}}, folder.path() / "out");
  EXPECT_EQ(saved.written.size(), 1u);
  EXPECT_EQ(saved.linked.size(), before.shards().size() - 1);
  EXPECT_TRUE(saved.copied.empty());
  for (const std::string& name : saved.linked) {
    EXPECT_TRUE(std::filesystem::equivalent(source / name, folder.path() / "out" / name)) << name;
  }
  const std::string& name = saved.written.at(0);
  EXPECT_FALSE(std::filesystem::equivalent(source / name, folder.path() / "out" / name));
  EXPECT_EQ(read_file(source / name), read_file(golden / name));
  EXPECT_EQ(read_file(folder.path() / "out" / checkpoint_index_file),
            read_file(source / checkpoint_index_file));
}

TEST(Assemble, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "out";
  expect_error(error_of([&] { assemble_graft(inputs / "text", inputs / "text", out, {}); }),
               "has no vision tower");
  expect_error(error_of([&] { assemble_graft(inputs / "vision", inputs / "vision", out, {}); }), "qwen3_vl");
  const std::filesystem::path graft = golden::model_root() / "base" / "checkpoint";
  expect_error(error_of([&] { assemble_graft(graft, inputs / "vision", out, {}); }), "is a graft already");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Initial, ARandomModelIsTheSameForTheSameSeed) {
  const TemporaryFolder folder;
  const std::filesystem::path config =
      std::filesystem::path(ARTEMIS_SOURCE_DIR) / "lab/quickstart/text/config.json";
  initialise_model(config, {}, folder.path() / "a", 1, DType::bf16);
  initialise_model(config, {}, folder.path() / "b", 1, DType::bf16);
  initialise_model(config, {}, folder.path() / "c", 2, DType::bf16);
  const auto weights = [&](const char* name) {
    return read_file(folder.path() / name / "model.safetensors");
  };
  EXPECT_EQ(weights("a"), weights("b"));
  EXPECT_NE(weights("a"), weights("c"));
  expect_error(error_of([&] { initialise_model(config, {}, folder.path() / "a", 1, DType::bf16); }),
               "exists already");
}

}  // namespace
}  // namespace artemis
