// Which requests a page of another site may have sent, by name and by origin.
#include "artemis/serve/sites.h"

#include <gtest/gtest.h>

#include "artemis/serve/api_error.h"

namespace artemis {
namespace {

HttpRequest request_of(const HttpHeaders& headers) {
  HttpRequest request;
  request.headers = headers;
  return request;
}

// The code of the refusal; "" for none.
std::string refusal(const HttpHeaders& headers, const SiteRules& rules) {
  try {
    check_site(request_of(headers), rules);
    return "";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 403);
    return error.code();
  }
}

TEST(Sites, HostsThatAreThisMachine) {
  for (const char* host :
       {"localhost", "LocalHost", "127.0.0.1", "127.255.0.9", "::1", "[::1]", "[0:0:0:0:0:0:0:1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host :
       {"", "localhost.", "localhost.example", "xlocalhost", "127.evil.example", "127.0.0.1.example", "127.1",
        "2130706433", "0.0.0.0", "128.0.0.1", "::", "[::]", "[::2]", "[", "[]", "[::1", "::1]", "10.0.0.1"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(Sites, HostOfAnAuthority) {
  for (const char* port : {"", ":", ":1", ":8080"}) {
    for (const char* host : {"localhost", "a.example", "127.0.0.1", "[::1]"}) {
      EXPECT_EQ(host_of_authority(std::string(host) + port), host);
    }
  }
  for (const char* none :
       {"", ":80", "a:b", "a:80:80", "a:80/", "::1", "[::1", "[::1]x", "[::1]80", "http://a"}) {
    EXPECT_EQ(host_of_authority(none), "") << none;
  }
}

TEST(Sites, HostsAreThisMachineOrNamed) {
  SiteRules rules;
  EXPECT_EQ(refusal({{"Host", "evil.example"}}, rules), "");  // nothing is checked
  rules.check_host = true;
  rules.hosts = {"Chat.example"};
  for (const char* host :
       {"localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "chat.example", "CHAT.EXAMPLE:443"}) {
    EXPECT_EQ(refusal({{"host", host}}, rules), "") << host;
  }
  for (const char* host :
       {"", "evil.example", "localhost.evil.example", "chat.example.evil.example", "evil.example:127.0.0.1",
        "evil.example, localhost", "localhost:80@evil.example"}) {
    EXPECT_EQ(refusal({{"Host", host}}, rules), "host_not_allowed") << host;
  }
  EXPECT_EQ(refusal({}, rules), "host_not_allowed");
  try {
    check_site(request_of({{"Host", "evil.example:" + std::string(5000, '8')}}), rules);
    ADD_FAILURE() << "was not refused";
  } catch (const ApiError& error) {
    const std::string body = error.body();
    EXPECT_LT(body.size(), 500u);
    EXPECT_NE(body.find("expected localhost, 127.0.0.1 or [::1], or Chat.example"), body.npos) << body;
    EXPECT_NE(body.find("--allowed-host"), body.npos);
  }
}

TEST(Sites, OriginsAreTheHostAskedOrNamed) {
  SiteRules rules;
  EXPECT_EQ(refusal({{"Origin", "http://evil.example"}}, rules), "");
  rules.check_origin = true;
  rules.origins = {"https://named.example"};
  const auto code = [&rules](const std::string& origin) {
    return refusal({{"Host", "localhost:8080"}, {"Origin", origin}}, rules);
  };
  EXPECT_EQ(refusal({{"Host", "localhost:8080"}}, rules), "");  // no browser's page
  EXPECT_EQ(code("http://localhost:8080"), "");
  EXPECT_EQ(code("https://localhost:8080"), "");
  EXPECT_EQ(code("https://named.example"), "");
  for (const char* origin :
       {"null", "http://localhost", "http://localhost:3000", "http://127.0.0.1:8080", "http://evil.example",
        "http://named.example", "https://named.example.evil.example", "file://localhost:8080",
        "localhost:8080", "https://named.example:444"}) {
    EXPECT_EQ(code(origin), "origin_not_allowed") << origin;
  }
  rules.origins = {"*"};
  EXPECT_EQ(code("http://evil.example"), "");
}

}  // namespace
}  // namespace artemis
