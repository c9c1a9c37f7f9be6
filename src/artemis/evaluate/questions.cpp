#include "artemis/evaluate/questions.h"

#include "artemis/evaluate/answer_text.h"
#include "artemis/io/atomic_file.h"
#include "artemis/io/jsonl.h"

namespace artemis {
namespace {

struct QuestionLine {
  AnsweredQuestion question;
  std::vector<PictureFile> pictures;
};

// The text, or texts, under a key; absent or null is none.
std::vector<std::string> texts_at(const Json& json, const char* key, const std::string& where) {
  std::vector<std::string> texts;
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return texts;
  const Json list = found->is_array() ? *found : Json::array({*found});
  for (const Json& text : list) {
    require(text.is_string(), where, "key '{}' holds {}, expected a string or a list of strings", key,
            text.type_name());
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Metric metric_of(const Json& json, const std::string& where, std::optional<Metric> otherwise) {
  const auto name = json_get_or<std::string>(json, "metric", where, "");
  if (!name.empty()) return parse_metric(name);
  require(otherwise.has_value(), where, "names no metric, and none was chosen for the file");
  return *otherwise;
}

std::string id_of(const Json& json, const std::string& where) {
  const auto found = json.find("id");
  if (found == json.end()) return where;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

QuestionLine read_question(const Json& json, const std::string& where, const std::filesystem::path& folder,
                           std::optional<Metric> metric) {
  QuestionLine line;
  line.question.question = json_get<std::string>(json, "question", where);
  line.question.answers = texts_at(json, "answers", where);
  if (line.question.answers.empty()) line.question.answers = texts_at(json, "answer", where);
  require(!line.question.answers.empty(), where, "has neither 'answers' nor 'answer'");
  line.question.metric = metric_of(json, where, metric);
  line.question.id = id_of(json, where);
  for (const std::string& path : texts_at(json, "image", where))
    line.pictures.push_back({read_file(folder / path), path});
  return line;
}

void answer_all(const Subject& subject, std::vector<QuestionLine>& lines, const QuestionOptions& options,
                QuestionFigures& figures) {
  std::vector<GenerateRequest> requests;
  for (const QuestionLine& line : lines) {
    const Json messages = user_turn(line.question.question + options.suffix, line.pictures.size());
    requests.push_back(answer_request(subject, messages, line.pictures));
  }
  const auto results = answers_to(subject, requests, options.common.max_new_tokens);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    AnsweredQuestion& question = lines[i].question;
    question.prediction = stripped(results[i].text);
    question.score = score_answer(question.metric, question.prediction, question.answers);
    figures.questions.push_back(std::move(question));
  }
  lines.clear();
  if (options.common.done) options.common.done(static_cast<std::int64_t>(figures.questions.size()));
}

}  // namespace

std::map<Metric, double> QuestionFigures::means() const {
  std::map<Metric, double> sums;
  std::map<Metric, double> counts;
  for (const AnsweredQuestion& question : questions) {
    sums[question.metric] += question.score;
    counts[question.metric] += 1;
  }
  for (auto& [metric, sum] : sums) sum /= counts[metric];
  return sums;
}

Json QuestionFigures::to_json() const {
  std::map<Metric, std::int64_t> counts;
  for (const AnsweredQuestion& question : questions) ++counts[question.metric];
  Json json = Json::object();
  for (const auto& [metric, mean] : means())
    json[std::string(metric_name(metric))] = {{"questions", counts[metric]}, {"score", mean}};
  return json;
}

QuestionFigures evaluate_questions(const Subject& subject, const std::filesystem::path& file,
                                   const QuestionOptions& options) {
  JsonlReader reader(file);
  QuestionFigures figures;
  std::vector<QuestionLine> lines;
  for (std::int64_t read = 0; options.common.limit == 0 || read < options.common.limit; ++read) {
    const std::optional<JsonlLine> line = reader.next();
    if (!line) break;
    const std::string where = fmt::format("{}:{}", file.string(), line->number);
    require(line->value.is_object(), where, "is {}, expected an object", line->value.type_name());
    lines.push_back(read_question(line->value, where, file.parent_path(), options.metric));
    if (static_cast<std::int64_t>(lines.size()) == options.common.batch_size)
      answer_all(subject, lines, options, figures);
  }
  if (!lines.empty()) answer_all(subject, lines, options, figures);
  require(!figures.questions.empty(), file.string(), "holds no questions, expected at least one");
  return figures;
}

}  // namespace artemis
