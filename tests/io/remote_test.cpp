// Files over HTTP: ranges, what is tried again, what is refused, and addresses of S3.
#include "artemis/io/remote_file.h"

#include "artemis/core/random.h"
#include "artemis/io/atomic_file.h"
#include "artemis/io/jsonl.h"
#include "artemis/io/parquet.h"
#include "artemis/io/tar.h"
#include "support/files.h"
#include "support/http_server.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::HttpServer;

const RemoteOptions quick{.block_bytes = 1000, .cached_bytes = 4000, .attempts = 3, .first_pause = 0.001};

std::string some_bytes(std::size_t count) {
  Random random(1);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

std::string read(const ByteSource& source, std::int64_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  bytes.resize(source.read(offset, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

// The environment's AWS_ variables, set for a test and put back.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                             "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"}) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      unsetenv(name);
    }
    for (const auto& [name, value] : values) setenv(name.c_str(), value.c_str(), 1);
    set_ = values;
  }
  ~Environment() {
    for (const auto& [name, value] : set_) unsetenv(name.c_str());
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::map<std::string, std::string> before_;
  std::map<std::string, std::string> set_;
};

TEST(Remote, RangesOfAFileAreItsBytes) {
  const std::string bytes = some_bytes(7321);
  const HttpServer server({{"/x.bin", bytes}});
  const auto source = open_remote(server.url("/x.bin"), quick);
  EXPECT_EQ(source->size(), 7321);
  Random random(2);
  for (int i = 0; i < 50; ++i) {
    const auto offset = static_cast<std::size_t>(random.below(8000));
    const auto count = static_cast<std::size_t>(random.below(2500));
    const std::string expected = offset < bytes.size() ? bytes.substr(offset, count) : "";
    EXPECT_EQ(read(*source, static_cast<std::int64_t>(offset), count), expected);
  }
}

TEST(Remote, BlocksAreKeptAndTheOldestGivenUp) {
  const HttpServer server({{"/x.bin", some_bytes(8000)}});
  const auto source = open_remote(server.url("/x.bin"), quick);
  for (int i = 0; i < 5; ++i) read(*source, 1500, 1000);  // blocks 1 and 2
  EXPECT_EQ(server.requests().size(), 3u);
  read(*source, 3000, 3000);  // 3, 4, 5: four are kept, of 2 to 5
  read(*source, 2000, 4000);
  EXPECT_EQ(server.requests().size(), 6u);
  read(*source, 1000, 1);
  EXPECT_EQ(server.requests().size(), 7u);
}

TEST(Remote, SeveralThreadsFetchABlockOnce) {
  const std::string bytes = some_bytes(4000);
  const HttpServer server({{"/x.bin", bytes}});
  const auto source = open_remote(server.url("/x.bin"), quick);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { right += read(*source, 0, 4000) == bytes ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(Remote, AnEmptyFileHasNoBytes) {
  const HttpServer server(std::map<std::string, std::string>{{"/x.bin", ""}});
  const auto source = open_remote(server.url("/x.bin"), quick);
  EXPECT_EQ(source->size(), 0);
  EXPECT_EQ(read(*source, 0, 10), "");
}

// Every second answer is an error, breaks off, or does not come.
TEST(Remote, FailuresThatPassAreTriedAgain) {
  const std::string bytes = some_bytes(5000);
  for (const std::string& fault :
       {HttpServer::response(503, "", "later"), HttpServer::response(429, "", "later"),
        std::string("HTTP/1.1 206 X\r\nContent-Length: 1000\r\nContent-Range: bytes 0-999/5000\r\n\r\nshort"),
        std::string("no HTTP at all")}) {
    SCOPED_TRACE(fault);
    const HttpServer server({{"/x.bin", bytes}}, [&fault](const std::string&, int number) {
      return number % 2 == 0 ? fault : std::string();
    });
    const auto source = open_remote(server.url("/x.bin"), quick);
    EXPECT_EQ(read(*source, 0, 5000), bytes);
    EXPECT_EQ(server.requests().size(), 10u);
  }
}

TEST(Remote, FailuresThatStayAreNamed) {
  const auto failure = [](const std::string& answer) {
    const HttpServer server({{"/x.bin", "bytes"}}, [&](const std::string&, int) { return answer; });
    const std::string error = error_of([&] { open_remote(server.url("/x.bin"), quick); });
    expect_error(error, "/x.bin] cannot be fetched");
    return std::pair(error, server.requests().size());
  };
  const auto [busy, busy_requests] = failure(HttpServer::response(503, "", ""));
  expect_error(busy, "3 attempts failed: the server answered 503");
  EXPECT_EQ(busy_requests, 3u);
  const auto [forbidden, forbidden_requests] = failure(HttpServer::response(403, "", ""));
  expect_error(forbidden, "the server answered 403");
  EXPECT_EQ(forbidden_requests, 1u);
  expect_error(failure(HttpServer::response(200, "", "bytes")).first, "does not answer range requests");
  expect_error(failure(HttpServer::response(206, "", "bytes")).first, "does not say how large the file is");
  expect_error(
      failure(HttpServer::response(206, "Content-Range: bytes 0-4/5\r\n", std::string(2000, 'x'))).first,
      "sent more than the 1000 bytes asked for");
  const HttpServer server(std::map<std::string, std::string>{});
  expect_error(error_of([&] { open_remote(server.url("/none"), quick); }), "the server answered 404");
  expect_error(error_of([] { open_remote("http://127.0.0.1:1/x", quick); }), "3 attempts failed");
}

TEST(Remote, AFileThatChangesIsNoticed) {
  const HttpServer server({{"/x.bin", some_bytes(5000)}}, [](const std::string&, int number) {
    return number == 0
               ? std::string()
               : HttpServer::response(206, "Content-Range: bytes 0-999/6000\r\n", std::string(1000, 'x'));
  });
  const auto source = open_remote(server.url("/x.bin"), quick);
  expect_error(error_of([&] { read(*source, 4000, 10); }), "has changed: it had 5000 bytes and has 6000");
}

TEST(Remote, AddressesOfS3) {
  const Environment none(std::map<std::string, std::string>{});
  EXPECT_EQ(s3_url("s3://bucket/a b/c+d.tar"), "https://bucket.s3.us-east-1.amazonaws.com/a%20b/c%2Bd.tar");
  expect_error(error_of([] { s3_url("s3://bucket"); }), "s3://bucket] is no address of a file");
  expect_error(error_of([] { s3_url("s3:///key"); }), "is no address of a file");
  const Environment other(std::map<std::string, std::string>{{"AWS_REGION", "eu-west-1"}});
  EXPECT_EQ(s3_url("s3://bucket/key"), "https://bucket.s3.eu-west-1.amazonaws.com/key");
}

TEST(Remote, RequestsToS3AreSigned) {
  const std::string bytes = some_bytes(2500);
  const HttpServer server({{"/bucket/x.bin", bytes}});
  const Environment keys({{"AWS_ENDPOINT_URL", server.url("")},
                          {"AWS_ACCESS_KEY_ID", "KEYNAME"},
                          {"AWS_SECRET_ACCESS_KEY", "secret"},
                          {"AWS_SESSION_TOKEN", "session"},
                          {"AWS_REGION", "eu-west-1"}});
  EXPECT_EQ(read(*open_remote("s3://bucket/x.bin", quick), 0, 2500), bytes);
  for (const std::string& request : server.requests()) {
    expect_error(request, "Authorization: AWS4-HMAC-SHA256 Credential=KEYNAME/");
    expect_error(request, "/eu-west-1/s3/aws4_request");
    expect_error(request, "x-amz-security-token");
    expect_error(request, "x-amz-content-sha256: ");
    EXPECT_EQ(request.find("secret"), std::string::npos);
  }
}

TEST(Remote, ShardsLinesAndParquetAreReadThroughIt) {
  const std::filesystem::path source(ARTEMIS_SOURCE_DIR);
  const HttpServer server({{"/a.tar", read_file(source / "tests/fuzz/corpus/io_tar/samples")},
                           {"/a.tar.gz", read_file(source / "tests/fuzz/corpus/io_tar/gzip")},
                           {"/a.jsonl", "{\"a\": 1}\n{\"a\": 2}\n"},
                           {"/a.parquet", read_file(source / "tests/golden/io/parquet/captions.parquet")}});
  for (const char* name : {"/a.tar", "/a.tar.gz"}) {
    TarSamples samples(open_remote(server.url(name), quick));
    EXPECT_EQ(samples.next()->key, "0001");
    EXPECT_EQ(samples.next()->key, "0002");
    EXPECT_FALSE(samples.next());
  }
  JsonlReader lines(open_remote(server.url("/a.jsonl"), quick));
  EXPECT_EQ(lines.next()->value["a"], 1);
  EXPECT_EQ(lines.next()->value["a"], 2);
  EXPECT_FALSE(lines.next());
  if (!ParquetFile::supported()) return;
  ParquetFile rows(open_remote(server.url("/a.parquet"), quick));
  EXPECT_EQ(rows.read(11).caption, " A row of number 11.\n");
}

}  // namespace
}  // namespace artemis
