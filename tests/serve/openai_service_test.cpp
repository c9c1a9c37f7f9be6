// The service over the real engine and the nano model: what each request is answered with.
#include "artemis/io/base64.h"
#include "serve/service_fixture.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::choice_of;
using test::NanoModel;
using test::question;
using test::ServiceRun;
using test::TemporaryFolder;

ServiceRun& run() {
  static ServiceRun run([] {
    ServiceOptions options;
    options.page = "<!doctype html>";
    options.page_policy = "default-src 'none'";
    return options;
  }());
  return run;
}

Json picture_part(const std::string& file) {
  const std::string bytes = read_file(std::string(ARTEMIS_GOLDEN_DIR) + "/model/images/" + file);
  return {{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64," + encode_base64(bytes)}}}};
}

Json picture_question(const std::string& text, const std::vector<std::string>& files) {
  Json body = question(text);
  Json parts = Json::array();
  for (const std::string& file : files) parts.push_back(picture_part(file));
  parts.push_back({{"type", "text"}, {"text", text}});
  body["messages"][0]["content"] = parts;
  return body;
}

// The nano model whose vocabulary is padded: its last token is taken out of the tokenizer.
std::int32_t leave_last_token_out(const std::filesystem::path& directory) {
  Json json = read_json(directory / "tokenizer.json");
  Json kept = Json::object();
  const auto last =
      std::ranges::max_element(json["model"]["vocab"], [](const Json& a, const Json& b) { return a < b; });
  const std::int32_t id = last.value();
  const std::string token = last.key();
  for (const auto& [text, place] : json["model"]["vocab"].items()) {
    if (text != token) kept[text] = place;
  }
  json["model"]["vocab"] = kept;
  Json merges = Json::array();
  for (const Json& merge : json["model"]["merges"]) {
    std::string joined = merge.is_array() ? merge[0].get<std::string>() + merge[1].get<std::string>()
                                          : merge.get<std::string>();
    std::erase(joined, ' ');
    if (joined != token) merges.push_back(merge);
  }
  json["model"]["merges"] = merges;
  write_file_atomically(directory / "tokenizer.json", json.dump());
  return id;
}

TEST(Service, ModelsHealthAndPage) {
  const auto models = run().ask("GET", "/v1/models");
  EXPECT_EQ(models->status(), 200);
  EXPECT_EQ(models->json()["data"][0]["id"], "nano");
  EXPECT_EQ(models->json()["data"][0]["input_modalities"], Json::array({"text", "image"}));
  EXPECT_EQ(models->json()["data"][0]["max_model_len"], 2048);
  EXPECT_TRUE(models->header("x-request-id").starts_with("req_"));
  EXPECT_EQ(run().ask("GET", "/v1/models/nano")->json()["id"], "nano");
  EXPECT_EQ(run().ask("GET", "/v1/models/%6eano")->json()["id"], "nano");
  EXPECT_EQ(run().ask("GET", "/v1/models/other")->status(), 404);
  EXPECT_EQ(run().ask("GET", "/health")->json()["status"], "ok");
  const auto page = run().ask("GET", "/");
  EXPECT_EQ(page->status(), 200);
  EXPECT_TRUE(page->type().starts_with("text/html"));
  EXPECT_EQ(page->body(), "<!doctype html>");
  EXPECT_EQ(page->header("Content-Security-Policy"), "default-src 'none'");
  EXPECT_EQ(run().ask("GET", "/nothing")->status(), 404);
  EXPECT_EQ(run().ask("POST", "/v1/embeddings", "{}")->json()["error"]["code"], "unknown_url");
  const auto get = run().ask("GET", "/v1/chat/completions");
  EXPECT_EQ(get->status(), 405);
  EXPECT_EQ(get->header("Allow"), "POST");
}

TEST(Service, ChatWholeAndStreamedAgree) {
  const auto whole = run().chat(question("Describe a red cup."));
  ASSERT_EQ(whole->status(), 200) << whole->body();
  const Json body = whole->json();
  const std::string text = choice_of(body)["message"]["content"];
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(body["model"], "nano");
  EXPECT_GT(body["usage"]["prompt_tokens"], 0);
  EXPECT_GT(body["usage"]["completion_tokens"], 0);

  const auto stream = run().chat(
      question("Describe a red cup.", {{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  EXPECT_EQ(stream->type(), "text/event-stream");
  const std::vector<Json> events = stream->events();
  ASSERT_GT(events.size(), 3u);
  EXPECT_EQ(choice_of(events[0])["delta"]["role"], "assistant");
  std::string streamed;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    streamed += choice_of(events[i])["delta"].value("content", "");
    EXPECT_TRUE(events[i]["usage"].is_null());
    EXPECT_EQ(events[i]["id"], events[0]["id"]);
    EXPECT_EQ(choice_of(events[i])["finish_reason"].is_null(), i + 2 < events.size());
  }
  EXPECT_EQ(streamed, text);
  EXPECT_EQ(choice_of(events[events.size() - 2])["finish_reason"], choice_of(body)["finish_reason"]);
  EXPECT_TRUE(events.back()["choices"].empty());
  EXPECT_EQ(events.back()["usage"]["total_tokens"], body["usage"]["total_tokens"]);
}

TEST(Service, AnswersAreThoseOfTheGenerator) {
  auto& nano = test::NanoModel::get();
  const PictureFile file{read_file(std::string(ARTEMIS_GOLDEN_DIR) + "/model/images/cup.png"), "cup.png"};
  const PictureBatch picture = nano.processor.preprocess(std::span(&file, 1), nano.loading.pool());
  ChatOptions chat;
  chat.add_generation_prompt = true;
  chat.enable_thinking = false;
  const Json messages = Json::parse(
      R"([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Describe this image."}]}])");
  const std::vector<std::int32_t> prompt =
      nano.processor.encode(nano.processor.chat_template().render(messages, chat), picture, true);
  const GenerationDefaults defaults = read_generation_defaults(nano.directory, nano.config);
  const GenerateResult alone = generate(
      nano.loading, nano.graft, nano.config, nano.processor.tokenizer(), prompt, picture,
      {.max_new_tokens = 24, .sampling = defaults.sampling, .stop = {}, .end_tokens = defaults.end_tokens},
      {});

  const auto served = run().chat(picture_question("Describe this image.", {"cup.png"}));
  ASSERT_EQ(served->status(), 200) << served->body();
  EXPECT_EQ(choice_of(served->json())["message"]["content"], alone.text);
  EXPECT_EQ(served->json()["usage"]["prompt_tokens"], prompt.size());
}

TEST(Service, WhatWasAskedBeforeIsFound) {
  std::string red;
  for (int i = 0; i < 300; ++i) red += "red ";
  const Json first = run().chat(question(red))->json();
  const Json again = run().chat(question(red))->json();
  EXPECT_EQ(choice_of(again)["message"], choice_of(first)["message"]);
  EXPECT_EQ(first["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
  EXPECT_GT(again["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
}

TEST(Service, PicturesThatCannotBeRead) {
  const auto refused = [](const std::string& url) {
    Json body = question("What?");
    body["messages"][0]["content"] = Json::array({{{"type", "image_url"}, {"image_url", {{"url", url}}}}});
    const auto answer = run().chat(body);
    EXPECT_EQ(answer->json()["error"]["param"], "messages[0].content[0].image_url.url") << url;
    return answer->status();
  };
  EXPECT_EQ(refused("data:image/png;base64,AAAA"), 400);
  EXPECT_EQ(refused("data:image/png;base64,A"), 400);
  EXPECT_EQ(refused("data:image/png,abc"), 400);
  EXPECT_EQ(refused("http://127.0.0.1/cup.png"), 400);
  EXPECT_EQ(refused("file:///etc/passwd"), 400);
  EXPECT_EQ(refused("cup.png"), 400);
}

TEST(Service, PicturesFromElsewhere) {
  ServiceOptions options;
  options.fetching.hosts = {"localhost"};
  ServiceRun fetching(options);
  for (const char* url : {"http://localhost/cup.png", "http://pictures.example/cup.png"}) {
    Json body = question("What?");
    body["messages"][0]["content"] = Json::array({{{"type", "image_url"}, {"image_url", {{"url", url}}}}});
    const auto answer = fetching.chat(body);
    EXPECT_EQ(answer->status(), 400);
    EXPECT_EQ(answer->json()["error"]["message"], "pictures may not be fetched from this host");
  }
}

TEST(Service, ThoughtsStandApart) {
  const Json body =
      run().chat(question("Describe a red cup.", {{"reasoning_effort", nullptr}, {"max_tokens", 8}}))->json();
  const Json& message = choice_of(body)["message"];
  EXPECT_TRUE(message.contains("reasoning_content") || message["content"] != "");
  EXPECT_GT(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
}

TEST(Service, ChoicesSeedsAndStops) {
  const Json sampled = {{"n", 3}, {"temperature", 1.5}, {"seed", 7}};
  const Json first = run().chat(question("Describe a cup.", sampled))->json();
  const Json second = run().chat(question("Describe a cup.", sampled))->json();
  ASSERT_EQ(first["choices"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(first["choices"][i]["index"], i);
    EXPECT_EQ(first["choices"][i]["message"], second["choices"][i]["message"]);
  }
  EXPECT_NE(first["choices"][0]["message"], first["choices"][1]["message"]);
  // The second choice is the first of the next seed.
  const Json next = run().chat(question("Describe a cup.", {{"temperature", 1.5}, {"seed", 8}}))->json();
  EXPECT_EQ(choice_of(next)["message"], first["choices"][1]["message"]);

  const std::string text = choice_of(run().chat(question("Describe a cup."))->json())["message"]["content"];
  const std::string word = text.substr(text.find(' ') + 1, 3);
  const Json stopped = run().chat(question("Describe a cup.", {{"stop", word}}))->json();
  EXPECT_EQ(choice_of(stopped)["message"]["content"], text.substr(0, text.find(word)));
  EXPECT_EQ(choice_of(stopped)["finish_reason"], "stop");
  const Json cut = run().chat(question("Describe a cup.", {{"max_completion_tokens", 2}}))->json();
  EXPECT_EQ(choice_of(cut)["finish_reason"], "length");
  EXPECT_EQ(cut["usage"]["completion_tokens"], 2);
}

TEST(Service, LogprobsSpellTheText) {
  const Json body =
      run()
          .chat(question("Describe a cup.", {{"logprobs", true}, {"top_logprobs", 3}, {"max_tokens", 6}}))
          ->json();
  const Json& tokens = choice_of(body)["logprobs"]["content"];
  std::string spelled;
  for (const Json& token : tokens) {
    spelled += token["token"].get<std::string>();
    EXPECT_LE(token["logprob"], 0.0);
    ASSERT_EQ(token["top_logprobs"].size(), 3u);
    EXPECT_EQ(token["top_logprobs"][0]["token"], token["token"]);  // it is greedy
    EXPECT_GE(token["top_logprobs"][0]["logprob"], token["top_logprobs"][1]["logprob"]);
  }
  EXPECT_TRUE(spelled.starts_with(choice_of(body)["message"]["content"].get<std::string>())) << spelled;
}

TEST(Service, IdsWithoutATokenAreEmptyText) {
  const TemporaryFolder folder;
  std::filesystem::copy(NanoModel::get().directory, folder.path() / "padded");
  const std::int32_t id = leave_last_token_out(folder.path() / "padded");
  NanoModel padded(folder.path() / "padded");
  ServiceRun service({}, {}, padded);
  const Json bias = {{std::to_string(id), 100}};
  const auto chat =
      service.chat(question("A cup?", {{"logit_bias", bias}, {"max_tokens", 3}, {"logprobs", true}}));
  ASSERT_EQ(chat->status(), 200) << chat->body();
  EXPECT_EQ(choice_of(chat->json())["message"]["content"], "");
  EXPECT_EQ(choice_of(chat->json())["logprobs"]["content"][0]["token"], "");
  EXPECT_EQ(chat->json()["usage"]["completion_tokens"], 3);
  const Json text = {{"prompt", "A large"}, {"max_tokens", 3}, {"logit_bias", bias}, {"logprobs", 5}};
  EXPECT_EQ(service.ask("POST", "/v1/completions", text.dump())->status(), 200);
}

TEST(Service, TextCompletions) {
  const Json asked = {{"model", "nano"},
                      {"prompt", Json::array({"A red", "A blue"})},
                      {"n", 2},
                      {"max_tokens", 4},
                      {"logprobs", 2}};
  const Json body = run().ask("POST", "/v1/completions", asked.dump())->json();
  ASSERT_EQ(body["choices"].size(), 4u) << body;
  EXPECT_EQ(body["choices"][0]["text"], body["choices"][1]["text"]);  // both are greedy
  EXPECT_EQ(body["choices"][3]["index"], 3);
  const Json& logprobs = body["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"].size(), logprobs["text_offset"].size());
  EXPECT_EQ(body["usage"]["completion_tokens"], 16);

  const std::string text = body["choices"][0]["text"];
  const Json tokens = run().ask("POST", "/tokenize", R"({"prompt": "A red"})")->json()["tokens"];
  const Json echoed =
      run()
          .ask("POST", "/v1/completions",
               Json({{"model", "nano"}, {"prompt", tokens}, {"max_tokens", 4}, {"echo", true}}).dump())
          ->json();
  EXPECT_EQ(choice_of(echoed)["text"], "A red" + text);
  const auto stream =
      run().ask("POST", "/v1/completions",
                Json({{"model", "nano"}, {"prompt", "A red"}, {"max_tokens", 4}, {"stream", true}}).dump());
  std::string streamed;
  for (const Json& piece : stream->events()) streamed += choice_of(piece)["text"].get<std::string>();
  EXPECT_EQ(streamed, text);
}

TEST(Service, Tokens) {
  const Json tokens = run().ask("POST", "/tokenize", R"({"prompt": "a red cup"})")->json();
  EXPECT_EQ(tokens["count"], tokens["tokens"].size());
  const Json text = run().ask("POST", "/detokenize", Json({{"tokens", tokens["tokens"]}}).dump())->json();
  EXPECT_EQ(text["prompt"], "a red cup");
  Json chat = picture_question("What?", {"cup.png"});
  chat.erase("max_tokens");
  const Json counted = run().ask("POST", "/tokenize", chat.dump())->json();
  chat["max_tokens"] = 1;
  EXPECT_EQ(counted["count"], run().chat(chat)->json()["usage"]["prompt_tokens"]);
}

TEST(Service, RefusalsThatTakeTheModel) {
  const auto code = [](const Json& body, int status) {
    const auto answer = run().chat(body);
    EXPECT_EQ(answer->status(), status) << answer->body();
    return answer->json()["error"]["code"].get<std::string>();
  };
  EXPECT_EQ(code(question("Hi", {{"model", "gpt"}}), 404), "model_not_found");
  EXPECT_EQ(code(question("Hi", {{"max_tokens", 2048}}), 400), "context_length_exceeded");
  std::string endless;
  for (int i = 0; i < 3000; ++i) endless += "red ";
  EXPECT_EQ(code(question(endless), 400), "context_length_exceeded");
  EXPECT_EQ(code(question(std::string(4 << 20, 'a')), 400), "context_length_exceeded");
  EXPECT_EQ(code(question("Hi", {{"logit_bias", {{"824", 1}}}}), 400), "invalid_value");
  EXPECT_EQ(code(question("<|image_pad|>"), 400), "invalid_value");
  EXPECT_EQ(run().ask("POST", "/v1/chat/completions", "{}", {{"Content-Type", "text/plain"}})->status(), 415);
}

TEST(Service, KeysAndOrigins) {
  ServiceOptions options;
  options.api_keys = {"secret"};
  options.sites.origins = {"http://page.example"};
  std::vector<std::string> lines;
  options.log = [&lines](const std::string& line) { lines.push_back(line); };
  ServiceRun guarded(options);
  EXPECT_EQ(guarded.ask("GET", "/health")->status(), 200);
  EXPECT_EQ(guarded.ask("GET", "/")->status(), 404);  // without a page
  const auto none = guarded.ask("GET", "/v1/models");
  EXPECT_EQ(none->status(), 401);
  EXPECT_EQ(none->header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(none->json()["error"]["code"], "invalid_api_key");
  EXPECT_EQ(guarded.ask("GET", "/metrics", "", {{"Authorization", "Bearer wrong"}})->status(), 401);
  const auto right = guarded.ask("GET", "/v1/models", "",
                                 {{"Authorization", "Bearer secret"}, {"Origin", "http://page.example"}});
  EXPECT_EQ(right->status(), 200);
  EXPECT_EQ(right->header("Access-Control-Allow-Origin"), "http://page.example");
  const auto before = guarded.ask("OPTIONS", "/v1/chat/completions", "", {{"Origin", "http://page.example"}});
  EXPECT_EQ(before->status(), 204);
  EXPECT_EQ(before->header("Access-Control-Allow-Headers"), "authorization,content-type");
  const auto other = guarded.ask("OPTIONS", "/v1/chat/completions", "", {{"Origin", "http://evil.example"}});
  EXPECT_EQ(other->status(), 405);
  EXPECT_EQ(other->header("Access-Control-Allow-Origin"), "");
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_TRUE(lines[2].starts_with("GET /v1/models 401 0+0 tokens ")) << lines[1];
  for (const std::string& line : lines) EXPECT_EQ(line.find("secret"), line.npos);
}

// What a client sends comes back in the answer's fields: never more than one line of it.
TEST(Service, OriginsAndFieldsOfOthersComeBackClean) {
  ServiceOptions options;
  options.sites.origins = {"*"};
  ServiceRun open(options);
  const auto tab = open.ask("POST", "/v1/chat/completions", question("A cup?", {{"max_tokens", 1}}).dump(),
                            {{"Origin", "http://a\tb"}});
  EXPECT_EQ(tab->status(), 200);
  EXPECT_EQ(tab->header("Access-Control-Allow-Origin"), "");
  const auto allowed = [&](const std::string& asked) {
    return open
        .ask("OPTIONS", "/v1/chat/completions", "",
             {{"Origin", "http://page.example"}, {"Access-Control-Request-Headers", asked}})
        ->header("Access-Control-Allow-Headers");
  };
  EXPECT_EQ(allowed("authorization, x-stainless-lang"), "authorization,x-stainless-lang");
  EXPECT_EQ(allowed("authorization\tx"), "authorization,content-type");
}

TEST(Service, HangingUpFreesTheEngine) {
  ServiceRun alone;
  const auto stream = alone.start(
      "POST", "/v1/chat/completions",
      question("Go on.", {{"stream", true}, {"max_tokens", 1500}, {"ignore_eos", true}, {"n", 4}}).dump());
  ASSERT_TRUE(stream->wait_for(2000));
  EXPECT_GT(alone.engine().counters().running, 0);
  stream->hang_up();
  const auto start = std::chrono::steady_clock::now();
  while (alone.engine().counters().running > 0 &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(alone.engine().counters().running, 0);
  EXPECT_EQ(alone.engine().counters().cancelled, 4u);
}

TEST(Service, FullAndDraining) {
  EngineOptions engine;
  engine.max_sequences = 1;
  engine.max_waiting = 1;
  ServiceRun small({}, engine);
  // More choices than may wait are taken where nobody waits.
  EXPECT_EQ(small.chat(question("Hi", {{"n", 4}, {"max_tokens", 1}}))->status(), 200);
  const std::string endless =
      question("Go on.", {{"stream", true}, {"max_tokens", 1500}, {"ignore_eos", true}}).dump();
  std::vector<std::shared_ptr<test::KeptExchange>> under_way;
  int refused = 0;
  for (int i = 0; i < 8 && refused == 0; ++i) {
    const auto next = small.start("POST", "/v1/chat/completions", endless);
    if (next->status() == 429) {
      EXPECT_EQ(next->header("Retry-After"), "1");
      EXPECT_EQ(next->json()["error"]["type"], "rate_limit_error");
      ++refused;
    } else {
      under_way.push_back(next);
    }
  }
  EXPECT_EQ(refused, 1);
  small.service().begin_drain();
  EXPECT_EQ(small.ask("POST", "/v1/chat/completions", question("Hi").dump())->status(), 503);
  EXPECT_EQ(small.ask("GET", "/health")->status(), 503);
  for (const auto& exchange : under_way) exchange->hang_up();
}

TEST(Service, TimeIsLimited) {
  ServiceOptions options;
  options.request_seconds = 0.05;
  ServiceRun hurried(options);
  const Json endless = question("Go on.", {{"max_tokens", 1900}, {"ignore_eos", true}});
  const auto whole = hurried.chat(endless);
  EXPECT_EQ(whole->status(), 504);
  EXPECT_EQ(whole->json()["error"]["code"], "timeout");
  Json streamed = endless;
  streamed["stream"] = true;
  const auto stream = hurried.chat(streamed);
  EXPECT_EQ(stream->status(), 200);
  EXPECT_NE(stream->body().find("data: {\"error\":{"), std::string::npos);
  EXPECT_EQ(stream->body().find("[DONE]"), std::string::npos);
}

TEST(Service, MetricsCount) {
  run().chat(question("Hi", {{"max_tokens", 3}}));
  const auto metrics = run().ask("GET", "/metrics");
  EXPECT_TRUE(metrics->type().starts_with("text/plain; version=0.0.4"));
  for (const char* line :
       {"artemis_http_requests_total{path=\"/v1/chat/completions\",status=\"200\"}",
        "artemis_completion_tokens_total ", "artemis_cache_pages ",
        "artemis_first_token_seconds_bucket{le=\"+Inf\"}", "artemis_between_tokens_seconds_sum"}) {
    EXPECT_NE(metrics->body().find(line), std::string::npos) << line;
  }
}

TEST(HistogramTest, CountsBelowEachBound) {
  Histogram histogram({0.1, 1});
  for (const double seconds : {0.05, 0.1, 0.5, 3.0}) histogram.add(seconds);
  std::string text;
  histogram.write(text, "x", "Help.");
  EXPECT_EQ(text,
            "# HELP x Help.\n# TYPE x histogram\nx_bucket{le=\"0.1\"} 2\nx_bucket{le=\"1\"} 3\n"
            "x_bucket{le=\"+Inf\"} 4\nx_sum 3.65\nx_count 4\n");
}

}  // namespace
}  // namespace artemis
