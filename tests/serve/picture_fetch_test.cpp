// Pictures from other servers: what may be fetched, and from where no connection is opened.
#include "artemis/serve/picture_fetch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "artemis/serve/base64.h"
#include "support/files.h"
#include "support/http_server.h"

namespace artemis {
namespace {

bool is_public(const char* text) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return is_public_address(reinterpret_cast<sockaddr&>(v4));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  return is_public_address(reinterpret_cast<sockaddr&>(v6));
}

TEST(PictureFetch, AddressesOfThePublicInternet) {
  for (const char* address : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255",
                              "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
                              "223.255.255.255", "2600::1", "2a00:1450::1", "2001:4860:4860::8888"}) {
    EXPECT_TRUE(is_public(address)) << address;
  }
  for (const char* address : {"0.0.0.0",
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
                              "ff02::1"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
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
  test::expect_error(test::error_of([&] { fetch_picture(slow.url("/"), "url", options); }), "within 0.2 s");
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
  ASSERT_GE(urls.size(), 200u);
  FetchOptions named;  // every private host by its usual spellings
  named.seconds = 2;
  for (const char* host :
       {"127.0.0.1", "localhost", "localhost.", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"}) {
    named.hosts.emplace_back(host);
    named.hosts.push_back(fmt::format("{}:{}", host, port));
  }
  FetchOptions other;
  other.hosts = {"good.example"};
  for (const std::string& url : urls) {
    EXPECT_THROW(fetch_picture(url, "url", named), Error) << url.substr(0, 100);
    EXPECT_THROW(fetch_picture(url, "url", other), Error) << url.substr(0, 100);
  }
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace artemis
