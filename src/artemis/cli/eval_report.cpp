#include "artemis/cli/eval_report.h"

#include <algorithm>
#include <iterator>

#include "artemis/report/page.h"

namespace artemis {
namespace {

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string loss_text(const LossSum& loss) { return fmt::format("{:.4f}", loss.mean()); }

std::string perplexity_text(const LossSum& loss) { return fmt::format("{:.3f}", loss.perplexity()); }

// The share under a key of the grade, which is absent where nothing was asked.
std::string share_at(const Json& grade, const char* key) {
  return grade.contains(key) ? percent(grade[key].get<double>()) : "-";
}

const std::vector<std::string> scene_header{"scenes", "captions", "pair",     "unseen pair", "color",
                                            "shape",  "count",    "relation", "answers"};

}  // namespace

std::string EvalTable::text() const {
  std::vector<std::size_t> widths;
  for (const std::string& name : header) widths.push_back(name.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out = fmt::format("{:<{}}", cells[0], widths[0]);
    for (std::size_t i = 1; i < cells.size(); ++i) out += fmt::format("  {:>{}}", cells[i], widths[i]);
    return out + "\n";
  };
  std::string out = line(header);
  for (const auto& row : rows) out += line(row);
  return out;
}

void EvalReport::add(const LossFigures& loss) {
  figures["loss"] = loss.to_json();
  tables.push_back({"Held-out rows",
                    {"held-out", "rows", "tokens", "loss", "perplexity"},
                    {{"data", std::to_string(loss.rows), std::to_string(loss.loss.tokens),
                      loss_text(loss.loss), perplexity_text(loss.loss)}}});
}

void EvalReport::add(const GroundingFigures& grounding) {
  figures["grounding"] = grounding.to_json();
  const auto row = [&](const char* name, const LossSum& loss, const std::string& under) {
    return std::vector<std::string>{name, std::to_string(grounding.rows), loss_text(loss),
                                    perplexity_text(loss), under};
  };
  tables.push_back({"Grounding",
                    {"picture", "rows", "loss", "perplexity", "right is under it by"},
                    {row("right", grounding.right, "-"),
                     row("shuffled", grounding.shuffled, percent(grounding.under_shuffled())),
                     row("none", grounding.none, percent(grounding.under_none()))}});
}

void EvalReport::add(const std::string& set, SceneFigures scenes) {
  const Json grade = scenes.to_json();
  figures["scenes"][set] = grade;
  if (tables.empty() || tables.back().header != scene_header) tables.push_back({"Scenes", scene_header, {}});
  const std::string answers = scenes.answers.empty() ? "-" : percent(scenes.all_answers().share());
  tables.back().rows.push_back({set, std::to_string(scenes.grade.captions), share_at(grade, "pair"),
                                share_at(grade, "unseen_pair"), share_at(grade, "color"),
                                share_at(grade, "shape"), share_at(grade, "count"),
                                share_at(grade, "relation"), answers});
  std::ranges::move(scenes.samples, std::back_inserter(samples));
}

void EvalReport::add(const QuestionFigures& questions) {
  figures["questions"] = questions.to_json();
  EvalTable table{"Questions", {"metric", "questions", "score"}, {}};
  for (const auto& [name, score] : figures["questions"].items()) {
    table.rows.push_back({name, std::to_string(score["questions"].get<std::int64_t>()),
                          percent(score["score"].get<double>())});
  }
  tables.push_back(std::move(table));
  for (const AnsweredQuestion& asked : questions.questions) {
    figures["answers"].push_back({{"id", asked.id},
                                  {"question", asked.question},
                                  {"answers", asked.answers},
                                  {"prediction", asked.prediction},
                                  {"metric", metric_name(asked.metric)},
                                  {"score", asked.score}});
  }
}

void EvalReport::add(const TextFigures& text) {
  figures["text_path"] = text.to_json();
  const auto of_rows = [&](std::int64_t count) { return fmt::format("{} of {}", count, text.rows); };
  tables.push_back(
      {"Text path",
       {"text path", "same logits", "same answers", "largest difference", "loss", "bare loss"},
       {{text.identical() ? "identical" : "different", of_rows(text.same_logits), of_rows(text.same_answers),
         fmt::format("{:.3g}", text.max_difference), loss_text(text.graft), loss_text(text.bare)}}});
}

std::string EvalReport::html() const {
  Page page("Evaluation", model);
  for (const EvalTable& table : tables) {
    page.section(table.title);
    page.table(table.header, table.rows);
  }
  if (!samples.empty()) page.section("Pictures");
  std::vector<PictureCard> cards;
  for (const SceneSample& sample : samples) {
    cards.push_back({sample.picture,
                     sample.key,
                     {{"truth", {{.text = sample.truth}}}, {"model", {{.text = sample.caption}}}}});
  }
  if (!cards.empty()) page.pictures(cards);
  page.footer(fmt::format("artemis {}, {}", ARTEMIS_VERSION, date_now()));
  return page.html();
}

}  // namespace artemis
