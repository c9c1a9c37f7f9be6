#include "artemis/evaluate/scenes_eval.h"

#include "artemis/evaluate/answer_metrics.h"
#include "artemis/io/tar.h"
#include "artemis/train/row_file.h"

namespace artemis {
namespace {

constexpr std::int64_t answer_tokens = 32;

struct Question {
  std::string kind;
  std::string text;
  std::string answer;
};

struct SceneRow {
  std::string where;
  lab::Scene scene;
  std::string caption;
  std::vector<PictureFile> picture;  // one
  std::vector<Question> questions;
};

SceneRow scene_row(TarSample sample, const std::string& where, bool questions) {
  const auto json_part = sample.parts.find("json");
  const auto picture = sample.parts.find("jpg");
  require(json_part != sample.parts.end() && picture != sample.parts.end(), where,
          "has no .jpg and .json, expected a scene as 'artemis scenes' writes it");
  const std::string name = where + ".json";
  const Json json = parse_json(json_part->second, name);
  SceneRow row{.where = where,
               .scene = lab::scene_from_json(json_get<Json>(json, "scene", name), name),
               .caption = json_get<std::string>(json, "caption", name),
               .picture = {{std::move(picture->second), where + ".jpg"}},
               .questions = {}};
  if (!questions) return row;
  for (const Json& asked : json_get<Json>(json, "questions", name)) {
    row.questions.push_back({json_get<std::string>(asked, "kind", name),
                             json_get<std::string>(asked, "question", name),
                             json_get<std::string>(asked, "answer", name)});
  }
  return row;
}

// The scenes of shards, one after the other.
class SceneRows {
 public:
  SceneRows(const std::vector<std::string>& paths, bool questions)
      : files_(data_files(paths)), questions_(questions) {}

  std::optional<SceneRow> next() {
    for (;;) {
      if (!shard_) {
        if (opened_ == files_.size()) return std::nullopt;
        shard_ = std::make_unique<TarSamples>(open_bytes(files_[opened_++]));
      }
      if (std::optional<TarSample> sample = shard_->next()) {
        const std::string where = file_name(files_[opened_ - 1]) + "/" + sample->key;
        return scene_row(std::move(*sample), where, questions_);
      }
      shard_.reset();
    }
  }

 private:
  std::vector<std::string> files_;
  bool questions_;
  std::size_t opened_ = 0;
  std::unique_ptr<TarSamples> shard_;
};

void describe_all(const Subject& subject, const std::vector<SceneRow>& rows, const SceneOptions& options,
                  SceneFigures& figures) {
  std::vector<GenerateRequest> requests;
  for (const SceneRow& row : rows)
    requests.push_back(answer_request(subject, user_turn(options.prompt, 1), row.picture));
  const auto captions = answers_to(subject, requests, options.common.max_new_tokens);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    figures.grade += lab::grade_caption(rows[i].scene, captions[i].text);
    if (figures.samples.size() < options.keep) {
      figures.samples.push_back({rows[i].where, rows[i].picture[0].bytes, rows[i].caption, captions[i].text});
    }
  }
}

void ask_all(const Subject& subject, const std::vector<SceneRow>& rows, SceneFigures& figures) {
  std::vector<GenerateRequest> requests;
  std::vector<const Question*> asked;
  for (const SceneRow& row : rows) {
    for (const Question& question : row.questions) {
      requests.push_back(answer_request(subject, user_turn(question.text, 1), row.picture));
      asked.push_back(&question);
    }
  }
  const auto answers = answers_to(subject, requests, answer_tokens);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    RightOfAsked& kind = figures.answers[asked[i]->kind];
    ++kind.asked;
    if (exact_match(answers[i].text, std::span(&asked[i]->answer, 1)) == 1.0) ++kind.right;
  }
}

}  // namespace

RightOfAsked SceneFigures::all_answers() const {
  RightOfAsked all;
  for (const auto& [kind, answer] : answers) {
    all.right += answer.right;
    all.asked += answer.asked;
  }
  return all;
}

Json SceneFigures::to_json() const {
  Json json = grade.to_json();
  if (answers.empty()) return json;
  Json kinds = Json::object();
  for (const auto& [kind, answer] : answers) kinds[kind] = answer.share();
  const RightOfAsked all = all_answers();
  json["answers"] = {{"asked", all.asked}, {"right", all.share()}, {"kinds", std::move(kinds)}};
  return json;
}

SceneFigures evaluate_scenes(const Subject& subject, const std::vector<std::string>& paths,
                             const SceneOptions& options) {
  SceneRows source(paths, options.questions);
  SceneFigures figures;
  const std::int64_t limit = options.common.limit;
  for (;;) {
    std::vector<SceneRow> rows;
    while (static_cast<std::int64_t>(rows.size()) < options.common.batch_size &&
           (limit == 0 || figures.grade.captions + static_cast<std::int64_t>(rows.size()) < limit)) {
      std::optional<SceneRow> row = source.next();
      if (!row) break;
      rows.push_back(std::move(*row));
    }

    if (rows.empty()) break;
    describe_all(subject, rows, options, figures);
    if (options.questions) ask_all(subject, rows, figures);
    if (options.common.done) options.common.done(figures.grade.captions);
  }
  require(figures.grade.captions > 0, "scenes", "the shards hold no scenes, expected at least one");
  return figures;
}

}  // namespace artemis
