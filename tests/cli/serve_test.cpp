// `artemis serve`: what it refuses before it listens, its options from a file, and its life as a process.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "cli/run.h"

namespace artemis {
namespace {

const std::string model = ARTEMIS_SOURCE_DIR "/lab/models/nano-vlm";

TEST(ServeCommand, WhatIsRefusedBeforeItListens) {
  const test::TemporaryFolder folder;
  const auto refused = [](std::vector<std::string> words, const std::string& part, int code = 2) {
    words.insert(words.begin(), "serve");
    const Ran outcome = artemis_run(words);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    test::expect_error(outcome.err, part);
  };
  refused({}, "--model");
  refused({"--model", model, "--host", "0.0.0.0"}, "an API key and TLS are missing");
  refused({"--model", model, "--host", "0.0.0.0", "--api-key", "k"}, "TLS is missing");
  refused({"--model", model, "--tls-cert", "a.pem"}, "--tls-cert and --tls-key go together");
  refused({"--model", model, "--api-key", ""}, "an API key is empty");
  refused({"--model", model, "--api-key-file", folder.write("keys", "# none\n\n")}, "holds no API key", 1);
  refused({"--model", model, "--allowed-host", "http://chat.example"},
          "[--allowed-host] 'http://chat.example'");
  refused({"--model", model, "--allowed-host", "chat.example:80"}, "expected a name without a port");
  refused({"--model", model, "--host", "127.evil.example"}, "can be reached from elsewhere");
  refused({"--model", model, "--max-sequences", "0"}, "max-sequences");
  refused({"--model", model, "--port", "70000"}, "port");
  refused({"--model", model, "--request-seconds", "1e10"}, "request-seconds");
  refused({"--model", folder.path() / "none"}, "none", 1);
  const Ran help = artemis_run({"serve", "--help"});
  EXPECT_EQ(help.code, 0);
  test::expect_error(help.out, "Example:  artemis serve");
}

TEST(ServeCommand, OptionsFromAFile) {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& yaml, const std::string& part,
                           std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"serve", "--config", folder.write("serve.yaml", yaml)};
    words.insert(words.end(), more.begin(), more.end());
    const Ran outcome = artemis_run(words);
    EXPECT_NE(outcome.code, 0) << yaml;
    test::expect_error(outcome.err, part);
  };
  refused("- a\n", "expected a map of options");
  refused("model: x\nmax-waitng: 3\n", "there is no key 'max-waitng', did you mean 'max-waiting'?");
  refused("model: x\nconfig: y\n", "there is no key 'config'");
  refused("api-key: {a: b}\n", "a map, expected a value or a list");
  refused("model: x\nhttp-threads: many\n", "http-threads");
  // All are taken, up to the model that is not there; the command line wins.
  const std::string all =
      "model: x\nhost: 0.0.0.0\napi-key: [a, b]\ninsecure: true\nport: 1\nmax-sequences: 4\n";
  refused(all, "x");
  refused(all, "max-sequences", {"--max-sequences", "0"});
}

// The program itself, in a process of its own.
class Server {
 public:
  explicit Server(const std::vector<std::string>& more) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      std::vector<std::string> words = {ARTEMIS_PROGRAM, "serve",  "--model", model,       "--model-name",
                                        "nano",          "--port", "0",       "--threads", "1"};
      words.insert(words.end(), more.begin(), more.end());
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execv(ARTEMIS_PROGRAM, arguments.data());
      _exit(127);
    }
    close(ends[1]);
    for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) line_ += c;
    close(ends[0]);
  }
  ~Server() {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What it says when it listens.
  const std::string& line() const { return line_; }
  void send(int signal) const { kill(process_, signal); }
  // Its exit code, once it has ended.
  int wait() {
    int status = 0;
    waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // A connection that has sent a request.
  int ask(const std::string& method, const std::string& path, const std::string& body,
          const std::string& host = "localhost") const {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::atoi(line_.c_str() + line_.find("127.0.0.1:") + 10)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const std::string request =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", method,
                    path, host, body.size(), body);
    EXPECT_EQ(write(connection, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    return connection;
  }
  // All that comes until the server closes.
  static std::string read_all(int connection) {
    std::string text;
    char bytes[4096];
    for (ssize_t got = 0; (got = read(connection, bytes, sizeof bytes)) > 0;) {
      text.append(bytes, static_cast<std::size_t>(got));
    }
    close(connection);
    return text;
  }

 private:
  pid_t process_ = -1;
  std::string line_;
};

std::string stream_of(int tokens) {
  return fmt::format(R"({{"model": "nano", "stream": true, "max_tokens": {}, "ignore_eos": true, "messages":)"
                     R"( [{{"role": "user", "content": "Go on."}}]}})",
                     tokens);
}

TEST(ServeCommand, WithoutAKeyItAnswersToItsNamesAlone) {
  const test::TemporaryFolder folder;
  Server server({"--config", folder.write("serve.yaml", "allowed-host: [chat.example]\n")});
  const auto answers = [&server](const std::string& host, const std::string& part) {
    const std::string answer = Server::read_all(server.ask("GET", "/health", "", host));
    EXPECT_NE(answer.find(part), std::string::npos) << host << ": " << answer;
  };
  answers("localhost:1", "HTTP/1.1 200");
  answers("chat.example", "HTTP/1.1 200");
  answers("evil.example", "HTTP/1.1 403");
  answers("evil.example", "expected localhost, 127.0.0.1 or [::1], or chat.example");
  answers("localhost\r\nOrigin: http://evil.example", "origin_not_allowed");
  Server with_a_key({"--api-key", "k"});
  const std::string answer = Server::read_all(with_a_key.ask("GET", "/health", "", "chat.example"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
}

TEST(ServeCommand, AnswersAndEndsWhenItIsAsked) {
  Server server({});
  ASSERT_TRUE(server.line().starts_with("artemis serve: http://127.0.0.1:")) << server.line();
  const std::string page = Server::read_all(server.ask("GET", "/", ""));
  EXPECT_TRUE(page.starts_with("HTTP/1.1 200"));
  EXPECT_NE(page.find("<!doctype html>"), std::string::npos);
  const int stream = server.ask("POST", "/v1/chat/completions", stream_of(200));
  char first = 0;
  ASSERT_EQ(read(stream, &first, 1), 1);
  server.send(SIGTERM);
  // What is under way comes whole.
  const std::string rest = Server::read_all(stream);
  EXPECT_NE(rest.find("data: [DONE]"), std::string::npos);
  EXPECT_EQ(server.wait(), 0);
}

TEST(ServeCommand, ASecondSignalEndsAtOnce) {
  Server server({});
  const int stream = server.ask("POST", "/v1/chat/completions", stream_of(1900));
  char first = 0;
  ASSERT_EQ(read(stream, &first, 1), 1);
  server.send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  server.send(SIGINT);
  EXPECT_EQ(server.wait(), 130);
  close(stream);
}

}  // namespace
}  // namespace artemis
