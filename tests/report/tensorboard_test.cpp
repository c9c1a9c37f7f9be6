#include "artemis/report/tensorboard.h"

#include <gtest/gtest.h>

#include "artemis/io/atomic_file.h"
#include "artemis/io/json.h"
#include "support/files.h"

namespace artemis {
namespace {

const std::filesystem::path golden_file = std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "report/events.json";

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

TEST(Crc32c, GivesTheCheckValueOfItsCatalogue) { EXPECT_EQ(crc32c("123456789"), 0xE3069283); }

TEST(EventRecord, EqualsWhatTensorBoardWrites) {
  const Json golden = read_json(golden_file);
  const Json& version = golden["version"];
  EXPECT_EQ(hex(event_record(version_event(version["wall_time"]))), version["record"]);
  const Json& start = golden["start"];
  EXPECT_EQ(hex(event_record(start_event(start["wall_time"], start["step"]))), start["record"]);
  for (const Json& scalar : golden["scalars"]) {
    const float value = std::stof(scalar["value"].get<std::string>());
    const std::string event =
        scalar_event(scalar["wall_time"], scalar["step"], scalar["tag"].get<std::string>(), value);
    EXPECT_EQ(hex(event_record(event)), scalar["record"]) << scalar["tag"];
  }
}

TEST(EventWriter, WritesTheVersionThenTheScalars) {
  const test::TemporaryFolder folder;
  EventWriter writer(folder.path() / "new/logs", {}, 1700000000.5);
  writer.add_scalar("loss", 7, 0.25, 1700000001.0);
  writer.flush();
  EXPECT_EQ(read_file(writer.path()), event_record(version_event(1700000000.5)) +
                                          event_record(scalar_event(1700000001.0, 7, "loss", 0.25F)));
  EXPECT_TRUE(writer.path().filename().string().starts_with("events.out.tfevents.1700000000."));
}

TEST(EventWriter, GoesOnInANewFileWhenResumed) {
  const test::TemporaryFolder folder;
  const EventWriter first(folder.path(), {}, 1700000000.0);
  const EventWriter second(folder.path(), 120, 1700000000.0);
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(read_file(first.path()), event_record(version_event(1700000000.0)));
  EXPECT_EQ(read_file(second.path()),
            event_record(version_event(1700000000.0)) + event_record(start_event(1700000000.0, 120)));
}

TEST(EventWriter, NamesAFolderThatCannotBeMade) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("taken", "a file");
  test::expect_error(test::error_of([&] { EventWriter(file / "logs"); }), "taken/logs] cannot be made");
}

}  // namespace
}  // namespace artemis
