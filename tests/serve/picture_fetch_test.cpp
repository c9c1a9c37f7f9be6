// Pictures from other servers: what may be fetched, and from where no connection is opened.
#include "artemis/serve/picture_fetch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>

#include "artemis/io/base64.h"
#include "artemis/serve/http_server.h"
#include "support/files.h"
#include "support/http_server.h"
#include "tls_identity.h"

namespace artemis {
namespace {

// Of this machine, its networks, and other special ones.
const std::vector<std::string>& special_addresses() {
  static const std::vector<std::string> all{"0.0.0.0",
                                            "0.1.2.3",
                                            "10.0.0.1",
                                            "100.64.0.1",
                                            "100.127.255.255",
                                            "127.0.0.1",
                                            "127.255.255.255",
                                            "169.254.169.254",
                                            "172.16.0.1",
                                            "172.31.255.255",
                                            "192.0.0.8",
                                            "192.0.2.1",
                                            "192.88.99.1",
                                            "192.168.1.1",
                                            "198.18.0.1",
                                            "198.19.255.255",
                                            "198.51.100.7",
                                            "203.0.113.7",
                                            "224.0.0.1",
                                            "239.255.255.255",
                                            "240.0.0.1",
                                            "255.255.255.255",
                                            "::",
                                            "::1",
                                            "::ffff:127.0.0.1",
                                            "::ffff:8.8.8.8",
                                            "::127.0.0.1",
                                            "64:ff9b::7f00:1",
                                            "64:ff9b:1::1",
                                            "100::1",
                                            "2001::1",
                                            "2001:db8::1",
                                            "2002:7f00:1::",
                                            "fc00::1",
                                            "fd12:3456::1",
                                            "fe80::1",
                                            "fec0::1",
                                            "ff02::1"};
  return all;
}

TEST(PictureFetch, AddressesOfThePublicInternet) {
  for (const char* address : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255",
                              "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
                              "223.255.255.255", "2600::1", "2a00:1450::1", "2001:4860:4860::8888"}) {
    EXPECT_TRUE(is_public_address(std::string(address))) << address;
  }
  for (const std::string& address : special_addresses()) EXPECT_FALSE(is_public_address(address)) << address;
  for (const char* none : {"", "localhost", "1.1.1", "0x1.1.1.1", "1.1.1.1 ", "fe80::1%lo", "[2600::1]"}) {
    EXPECT_FALSE(is_address(none)) << none;
    EXPECT_FALSE(is_public_address(std::string(none))) << none;
  }
}

TEST(PictureFetch, AddressesAsTheSystemFindsThem) {
  EXPECT_EQ(system_addresses("127.0.0.1"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(system_addresses("::1"), std::vector<std::string>{"::1"});
  EXPECT_TRUE(system_addresses("no such host").empty());
  for (const std::string& address : system_addresses("localhost"))
    EXPECT_TRUE(is_address(address)) << address;
}

using Files = std::map<std::string, std::string>;

// The port that a server's URLs name.
std::string port_of(const test::HttpServer& server) {
  const std::string url = server.url("");
  return url.substr(url.rfind(':') + 1);
}

FetchOptions here(const test::HttpServer& server) {
  FetchOptions options;
  options.hosts = {"127.0.0.1:" + port_of(server), "localhost:" + port_of(server)};
  options.private_addresses = true;
  return options;
}

TEST(PictureFetch, FetchesFromNamedHosts) {
  test::HttpServer server(Files{{"/a.png", "bytes"}});
  EXPECT_EQ(fetch_picture(server.url("/a.png"), "url", here(server)), "bytes");
  EXPECT_EQ(fetch_picture("HTTP://LOCALHOST:" + port_of(server) + "/a.png?x=1", "url", here(server)),
            "bytes");
  test::expect_error(test::error_of([&] { fetch_picture(server.url("/none"), "url", here(server)); }),
                     "answered with 404");
}

TEST(PictureFetch, PrivateAddressesAreRefusedEvenWhenNamed) {
  test::HttpServer server(Files{{"/a.png", "bytes"}});
  FetchOptions options = here(server);
  options.private_addresses = false;
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const std::string url = fmt::format("http://{}:{}/a.png", host, port_of(server));
    test::expect_error(test::error_of([&] { fetch_picture(url, "url", options); }), "may not be fetched");
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(PictureFetch, LimitsOfBytesTimeAndRedirects) {
  test::HttpServer big(Files{{"/big", std::string(2000, 'b')}});
  FetchOptions options = here(big);
  options.most_bytes = 1999;
  EXPECT_THROW(fetch_picture(big.url("/big"), "url", options), TooLargeError);

  test::HttpServer circle(Files(), [](const std::string&, int) {
    return test::HttpServer::response(302, "Location: /again\r\n", "");
  });
  test::expect_error(test::error_of([&] { fetch_picture(circle.url("/"), "url", here(circle)); }),
                     "leads on");
  EXPECT_EQ(circle.requests().size(), 4u);

  test::HttpServer slow(Files(), [](const std::string&, int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    return std::string("late");
  });
  options = here(slow);
  options.seconds = 0.2;
  test::expect_error(test::error_of([&] { fetch_picture(slow.url("/"), "url", options); }),
                     "did not come in time");

  options.hosts = {"slow.example"};
  options.resolve = [](const std::string&) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    return std::vector<std::string>{"9.9.9.9"};
  };
  const auto start = test::Clock::now();
  test::expect_error(test::error_of([&] { fetch_picture("http://slow.example/", "url", options); }),
                     "did not come in time");
  EXPECT_LT(test::seconds_since(start), 1);
}

TEST(PictureFetch, RedirectsAreCheckedToo) {
  test::HttpServer inner(Files{{"/secret", "secret"}});
  for (const std::string& target :
       {inner.url("/secret"), std::string("file:///etc/passwd"), std::string("http://169.254.169.254/latest"),
        std::string("gopher://x/")}) {
    test::HttpServer outer(Files(), [&](const std::string&, int) {
      return test::HttpServer::response(302, "Location: " + target + "\r\n", "");
    });
    test::expect_error(test::error_of([&] { fetch_picture(outer.url("/"), "url", here(outer)); }), "[url] ");
  }
  EXPECT_TRUE(inner.requests().empty());
}

// A name with other addresses each time it is looked up, and connections that go to a server here instead.
class Rebinding {
 public:
  Rebinding(const test::HttpServer& server, std::vector<std::vector<std::string>> answers)
      : answers_(std::move(answers)), port_(static_cast<std::uint16_t>(std::stoi(port_of(server)))) {}

  FetchOptions options() {
    FetchOptions options;
    options.hosts = {"Pictures.Example", "other.example"};
    options.seconds = 5;
    options.resolve = [this](const std::string& host) {
      looked_up.push_back(host);
      return answers_[std::min(looked_up.size(), answers_.size()) - 1];
    };
    options.connecting = [this](sockaddr& address) {
      std::array<char, 64> text{};
      const bool v4 = address.sa_family == AF_INET;
      const void* bytes = v4 ? static_cast<const void*>(&reinterpret_cast<sockaddr_in&>(address).sin_addr)
                             : &reinterpret_cast<sockaddr_in6&>(address).sin6_addr;
      connected.emplace_back(inet_ntop(address.sa_family, bytes, text.data(), text.size()));
      if (v4) {
        reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port_);
      } else {
        reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;  // where nobody listens
        reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(1);
      }
    };
    return options;
  }

  std::vector<std::string> looked_up, connected;

 private:
  std::vector<std::vector<std::string>> answers_;
  std::uint16_t port_;
};

using Names = std::vector<std::string>;

TEST(PictureFetch, ANameIsLookedUpOnceAndPinned) {
  test::HttpServer server(Files{{"/a.png", "bytes"}});
  Rebinding name(server, {{"9.9.9.9"}, {"127.0.0.1"}});
  EXPECT_EQ(fetch_picture("http://Pictures.Example/a.png", "url", name.options()), "bytes");
  EXPECT_EQ(name.looked_up, Names{"pictures.example"});
  EXPECT_EQ(name.connected, Names{"9.9.9.9"});  // the address of the first look, not what the system knows
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_NE(server.requests()[0].find("Host: Pictures.Example\r\n"), std::string::npos);
  // The second look is that of another picture.
  test::expect_error(
      test::error_of([&] { fetch_picture("http://pictures.example/a.png", "url", name.options()); }),
      "may not be fetched from this host");
  EXPECT_EQ(name.looked_up.size(), 2u);
  EXPECT_EQ(name.connected.size(), 1u);
  EXPECT_EQ(server.requests().size(), 1u);

  Rebinding v6(server, {{"2600::1"}});
  test::expect_error(test::error_of([&] { fetch_picture("http://pictures.example/", "url", v6.options()); }),
                     "could not be fetched");
  EXPECT_EQ(v6.connected, Names{"2600::1"});

  Rebinding unknown(server, {{}});
  test::expect_error(
      test::error_of([&] { fetch_picture("http://pictures.example/", "url", unknown.options()); }),
      "could not be fetched");
  EXPECT_TRUE(unknown.connected.empty());
}

TEST(PictureFetch, ARedirectLooksAgainAndIsRefused) {
  for (const char* to : {"http://pictures.example/b", "http://other.example/b", "/b"}) {
    test::HttpServer server(Files(), [&](const std::string& request, int) {
      return request.starts_with("GET /a")
                 ? test::HttpServer::response(302, fmt::format("Location: {}\r\n", to), "")
                 : test::HttpServer::response(200, "", "secret");
    });
    Rebinding name(server, {{"9.9.9.9"}, {"169.254.169.254"}});
    test::expect_error(
        test::error_of([&] { fetch_picture("http://pictures.example/a", "url", name.options()); }),
        "may not be fetched from this host");
    EXPECT_EQ(name.looked_up.size(), 2u);
    EXPECT_EQ(name.connected, Names{"9.9.9.9"});
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(PictureFetch, OnePrivateAddressOfANameIsTooMany) {
  test::HttpServer server(Files{{"/", "secret"}});
  for (const std::string& address : special_addresses()) {
    for (const auto& found : {Names{address}, Names{"9.9.9.9", address}, Names{address, "9.9.9.9"}}) {
      Rebinding name(server, {found});
      EXPECT_THROW(fetch_picture("http://pictures.example/", "url", name.options()), Error) << address;
      EXPECT_EQ(name.looked_up.size(), 1u);
      EXPECT_TRUE(name.connected.empty()) << address;
    }
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(PictureFetch, NoWayFromHttpsToHttp) {
  const test::Identity identity;
  test::HttpServer plain(Files{{"/a.png", "in the open"}});
  std::string location;
  HttpServer secure(
      identity.options(),
      [&](const std::shared_ptr<HttpExchange>& exchange) {
        if (exchange->request().path == "/a.png") return exchange->send(200, "image/png", "hidden");
        exchange->send(302, "text/plain", "", {{"Location", location}});
      },
      test::error_text);
  FetchOptions options = here(plain);
  options.authorities = identity.certificate();
  options.hosts.push_back(fmt::format("localhost:{}", secure.port()));
  const std::string hidden = fmt::format("https://localhost:{}/a.png", secure.port());
  const std::string leads_on = fmt::format("https://localhost:{}/", secure.port());
  EXPECT_EQ(fetch_picture(hidden, "url", options), "hidden");
  location = "/a.png";
  EXPECT_EQ(fetch_picture(leads_on, "url", options), "hidden");
  location = plain.url("/a.png");
  EXPECT_EQ(test::error_of([&] { fetch_picture(leads_on, "url", options); }),
            "[url] the URL leads on from https to http");
  EXPECT_TRUE(plain.requests().empty());
  test::HttpServer upwards(Files(), [&](const std::string&, int) {
    return test::HttpServer::response(302, "Location: " + hidden + "\r\n", "");
  });
  options.hosts.push_back("127.0.0.1:" + port_of(upwards));
  EXPECT_EQ(fetch_picture(upwards.url("/"), "url", options), "hidden");
  options.authorities.clear();  // a certificate that nobody vouches for
  test::expect_error(test::error_of([&] { fetch_picture(hidden, "url", options); }), "could not be fetched");
}

// Ways to write this machine, its networks, or another host than the one that is named. None opens a
// connection, whether the host is named or not.
TEST(PictureFetch, HostileUrlsOpenNoConnection) {
  test::HttpServer server(Files{{"/", "secret"}});
  const std::string port = port_of(server);
  std::vector<std::string> urls;
  for (const char* host : {"127.0.0.1",
                           "localhost",
                           "LOCALHOST",
                           "localhost.",
                           "127.1",
                           "127.0.1",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.1",
                           "0177.0.0.1",
                           "017700000001",
                           "0",
                           "0.0.0.0",
                           "[::1]",
                           "[::]",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]",
                           "[0:0:0:0:0:0:0:1]",
                           "[::127.0.0.1]",
                           "[64:ff9b::127.0.0.1]",
                           "[fe80::1]",
                           "[fe80::1%25lo]",
                           "[fd00::1]",
                           "[2002:7f00:1::]",
                           "169.254.169.254",
                           "[::ffff:169.254.169.254]",
                           "2852039166",
                           "10.0.0.1",
                           "192.168.0.1",
                           "172.16.0.1",
                           "100.64.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "good.example@127.0.0.1",
                           "user:word@localhost",
                           "good.example:80@localhost",
                           "127.0.0.1%2f@good.example",
                           "127.0.0.1\\@good.example",
                           "good.example\\.localhost",
                           "good.example%00.localhost",
                           "good.example%0d%0aHost:x",
                           "127.0.0.1#@good.example",
                           "127.0.0.1?@good.example",
                           "good.example.localhost",
                           "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1",
                           "localhost\xe3\x80\x82",
                           "%6c%6f%63alhost",
                           "127.0.0.1:80:80",
                           "",
                           ".",
                           "..",
                           "*",
                           "good.example",
                           "good.example.",
                           "[0000::0001]",
                           "[::ffff:0:127.0.0.1]",
                           "[fe80::a9fe:a9fe]",
                           "0x7f.0x0.0x0.0x1",
                           "0251.0376.0251.0376",
                           "0xa9fea9fe",
                           "0xa9.0xfe.43518",
                           "good_example",
                           "good.example,localhost",
                           "good.example localhost"}) {
    for (const char* scheme : {"http", "https", "HTTP"}) {
      urls.push_back(fmt::format("{}://{}:{}/", scheme, host, port));
      urls.push_back(fmt::format("{}://{}/", scheme, host));
    }
  }
  for (const char* url : {"file:///etc/passwd",
                          "file://localhost/etc/passwd",
                          "ftp://localhost/a",
                          "gopher://localhost/a",
                          "dict://localhost:11211/",
                          "ldap://localhost/",
                          "smb://localhost/a",
                          "//localhost/a",
                          "/etc/passwd",
                          "localhost/a",
                          "javascript:alert(1)",
                          "blob:http://localhost/a",
                          "http:localhost",
                          "http:/localhost",
                          "http:///localhost",
                          "http://",
                          "http://\t127.0.0.1/",
                          "http://127.0.0.1\r\nHost: x/",
                          " http://localhost/",
                          "tftp://localhost/",
                          "scp://localhost/a",
                          "telnet://localhost/"}) {
    urls.emplace_back(url);
  }
  urls.push_back("http://good.example/" + std::string(100000, 'a'));
  ASSERT_GE(urls.size(), 300u);
  int connections = 0;
  FetchOptions named;  // every private host by its usual spellings
  named.seconds = 2;
  named.connecting = [&connections](sockaddr&) { ++connections; };
  for (const char* host :
       {"127.0.0.1", "localhost", "localhost.", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"}) {
    named.hosts.emplace_back(host);
    named.hosts.push_back(fmt::format("{}:{}", host, port));
  }
  FetchOptions other;
  other.hosts = {"good.example"};
  other.connecting = named.connecting;
  other.resolve = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; };
  for (const std::string& url : urls) {
    EXPECT_THROW(fetch_picture(url, "url", named), Error) << url.substr(0, 100);
    EXPECT_THROW(fetch_picture(url, "url", other), Error) << url.substr(0, 100);
  }
  EXPECT_EQ(connections, 0);
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace artemis
