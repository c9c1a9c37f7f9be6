#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "artemis/cli/commands.h"
#include "artemis/cli/evaluations.h"
#include "artemis/cli/model_name.h"
#include "artemis/io/atomic_file.h"
#include "artemis/lab/scene.h"
#include "artemis/report/page.h"
#include "artemis/report/run_report.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string trained;
  std::string before;
  std::string after;
  std::string bare;
  std::string scenes;
  std::string text;
  std::string donor;
  std::string out;
  double started = 0;
  std::int64_t limit = 0;
  std::size_t pictures = 12;
};

// Sets of scenes, as folders of --scenes are named, and what their figure is called.
struct SceneSet {
  const char* folder;
  const char* figure;
  double goal;  // what Stage 1 must reach
};
constexpr std::array<SceneSet, 4> sets{{{"validation", "validation", 0.90},
                                        {"unseen-backgrounds", "unseen_backgrounds", 0.88},
                                        {"unseen-counts", "unseen_counts", 0.88},
                                        {"unseen-pairs", "unseen_pair_scenes", 0.70}}};
constexpr double unseen_pairs_goal = 0.45;
constexpr double count_goal = 0.95;

EvalReport evaluate(Context& ctx, const Options& options) {
  const DType dtype = compute_dtype(options.run);
  const LoadedModel model = load_model(ctx, options.after, dtype);
  Evaluations asked;
  asked.grounding = {options.scenes + "/validation"};
  for (const SceneSet& set : sets)
    asked.scenes.push_back(fmt::format("{}={}/{}", set.figure, options.scenes, set.folder));
  asked.ask = true;
  asked.text = {options.text};
  asked.bare = options.bare;
  asked.limit = options.limit;
  asked.pictures = options.pictures;
  return evaluate_all(subject_of(ctx, model), asked, load_bare(ctx, asked, dtype), true);
}

// What the graft says of the same pictures before alignment.
std::vector<SceneSample> captions_before(Context& ctx, const Options& options) {
  const LoadedModel model = load_model(ctx, options.before, compute_dtype(options.run));
  return evaluate_scenes(
             subject_of(ctx, model), {options.scenes + "/validation"},
             {.common = {.limit = static_cast<std::int64_t>(options.pictures), .max_new_tokens = 64},
              .keep = options.pictures})
      .samples;
}

// The figures that others read, under the names that they go by.
Json summary(const Options& options, const Json& figures, const Json& donor) {
  const Json& scenes = figures.at("scenes");
  Json accuracy = Json::object();
  for (const SceneSet& set : sets) accuracy[set.figure] = scenes.at(set.figure).at("pair");
  accuracy["unseen_pairs"] = scenes.at("unseen_pair_scenes").at("unseen_pair");
  accuracy["count"] = scenes.at("validation").at("count");
  accuracy["donor"] = donor.at("scenes").at("validation").at("pair");
  accuracy["out_of_distribution"] =
      (accuracy["unseen_backgrounds"].get<double>() + accuracy["unseen_counts"].get<double>()) / 2;
  const Json& grounding = figures.at("grounding");
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return {{"attribute_accuracy", std::move(accuracy)},
          {"loss",
           {{"right_picture", grounding.at("right_picture").at("loss")},
            {"shuffled_picture", grounding.at("shuffled_picture").at("loss")},
            {"no_picture", grounding.at("no_picture").at("loss")}}},
          {"text_path_identical", figures.at("text_path").at("identical")},
          {"question_accuracy", scenes.at("validation").at("answers").at("right")},
          {"seconds", options.started > 0 ? now - options.started : 0.0},
          {"evaluation", figures}};
}

std::string percent(const Json& share) { return fmt::format("{:.1f} %", 100 * share.get<double>()); }

// "red circle", ...: colours that stand before shapes, with where they begin and end.
struct Pair {
  std::size_t begin;
  std::size_t end;
  std::string words;
};
std::vector<Pair> pairs_in(const std::string& text) {
  std::vector<Pair> pairs;
  for (const std::string_view color : lab::colors) {
    for (const std::string_view shape : lab::shapes) {
      const std::string words = fmt::format("{} {}", color, shape);
      for (std::size_t at = text.find(words); at != text.npos; at = text.find(words, at + 1))
        pairs.push_back({at, at + words.size(), words});
    }
  }
  std::ranges::sort(pairs, {}, &Pair::begin);
  return pairs;
}

// A caption with its pairs marked: right where the truth has them too.
Caption marked(const std::string& text, const std::string& truth) {
  std::vector<std::string> left;
  for (Pair& pair : pairs_in(truth)) left.push_back(std::move(pair.words));
  Caption caption;
  std::size_t at = 0;
  for (const Pair& pair : pairs_in(text)) {
    const auto found = std::ranges::find(left, pair.words);
    caption.push_back({.text = text.substr(at, pair.begin - at)});
    caption.push_back({pair.words, found == left.end() ? Words::Mark::wrong : Words::Mark::right});
    if (found != left.end()) left.erase(found);
    at = pair.end;
  }
  caption.push_back({.text = text.substr(at)});
  return caption;
}

void add_pictures(Page& page, const std::vector<SceneSample>& before, const std::vector<SceneSample>& after) {
  std::vector<PictureCard> cards;
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    const std::string& truth = after[i].truth;
    cards.push_back({after[i].picture,
                     after[i].key.substr(after[i].key.rfind('/') + 1),
                     {{"truth", {{.text = truth}}},
                      {"before", marked(before[i].caption, truth)},
                      {"after", marked(after[i].caption, truth)}}});
  }
  page.section("Held-out pictures");
  page.text("Pairs of colour and shape are marked: right or wrong. Before, the projector is random.");
  page.pictures(cards);
}

void add_accuracy(Page& page, const Json& accuracy) {
  BarChart chart{.title = "Colour and shape named right, share of the true objects", .bars = {}};
  for (const SceneSet& set : sets)
    chart.bars.push_back({set.figure, accuracy.at(set.figure).get<double>(), set.goal});
  chart.bars.push_back({"unseen_pairs", accuracy.at("unseen_pairs").get<double>(), unseen_pairs_goal});
  chart.bars.push_back({"count", accuracy.at("count").get<double>(), count_goal});
  chart.bars.push_back({.label = "donor, validation", .value = accuracy.at("donor").get<double>()});
  page.section("What it sees");
  page.chart(chart);
}

std::string page_of(const Options& options, const Json& figures, const EvalReport& report,
                    const std::vector<SceneSample>& before) {
  const Json& accuracy = figures.at("attribute_accuracy");
  Page page("A decoder that learned to see",
            "Stage 1 of the nano laboratory: the projector alone was trained");
  page.cards(
      {{"validation", percent(accuracy.at("validation")), "colour and shape named right"},
       {"out of distribution", percent(accuracy.at("out_of_distribution")),
        "unseen backgrounds and counts, mean"},
       {"objects counted", percent(accuracy.at("count")), "captions with the right number"},
       {"text path", figures.at("text_path_identical").get<bool>() ? "identical" : "changed",
        "logits and answers without pictures"},
       {"time", fmt::format("{:.0f} s", figures.at("seconds").get<double>()), "from scenes to this page"}});
  add_pictures(page, before, report.samples);
  add_accuracy(page, accuracy);
  for (const EvalTable& table : report.tables) {
    page.section(table.title);
    page.table(table.header, table.rows);
  }
  RunReport(options.trained, {}).add_to(page);
  page.footer(fmt::format("artemis {} \u00B7 {}", ARTEMIS_VERSION, date_now()));
  return page.html();
}

void run(const Options& options) {
  const auto ctx = make_context(options.run);
  const std::vector<SceneSample> before = captions_before(*ctx, options);
  const EvalReport report = evaluate(*ctx, options);
  const Json figures = summary(options, report.figures, read_json(options.donor));
  std::filesystem::create_directories(options.out);
  const std::filesystem::path out = options.out;
  write_file_atomically(out / "report.json",
                        figures.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  write_file_atomically(out / "report.html", page_of(options, figures, report, before));
  for (const EvalTable& table : report.tables) fmt::print("{}\n", table.text());
  fmt::print("{}, {}\n", (out / "report.html").string(), (out / "report.json").string());
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("report", "One page on a graft of the laboratory, before and after alignment");
  command->add_option("--trained", options->trained, "Directory of the run of artemis align")->required();
  command->add_option("--before", options->before, "The graft")->transform(model_directory)->required();
  command->add_option("--after", options->after, "The aligned model")->transform(model_directory)->required();
  command->add_option("--bare", options->bare, "The decoder that the graft was made from")
      ->transform(model_directory)
      ->required();
  command
      ->add_option("--scenes", options->scenes,
                   "Folder of validation, unseen-backgrounds, unseen-counts and unseen-pairs")
      ->required();
  command->add_option("--rows", options->text, "Rows of text, for the text path")->required();
  command->add_option("--donor", options->donor, "JSON of what the tower's donor reached")->required();
  command->add_option("--out", options->out, "Folder for report.html and report.json")->required();
  command->add_option("--started", options->started, "When the work began, in seconds since 1970");
  command->add_option("--limit", options->limit, "Scenes of each set (default: all)")
      ->check(CLI::PositiveNumber);
  command->add_option("--pictures", options->pictures, "Pictures on the page")->capture_default_str();
  add_run_options(*command, options->run);
  command->footer(
      "Example:  artemis report --trained run --before graft --after aligned --bare nano-text --scenes "
      "scenes "
      "--rows text.jsonl --donor donor.json --out .");
  command->callback([options] { run(*options); });
}

}  // namespace artemis
