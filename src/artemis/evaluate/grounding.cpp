#include "artemis/evaluate/grounding.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "artemis/core/random.h"

namespace artemis {
namespace {

// For each row the one whose pictures it is shown.
std::vector<std::size_t> partners(const std::vector<Row>& rows, std::uint64_t seed) {
  std::map<std::size_t, std::vector<std::size_t>> by_pictures;
  for (std::size_t i = 0; i < rows.size(); ++i) by_pictures[rows[i].images.size()].push_back(i);
  std::vector<std::size_t> partner(rows.size());
  for (const auto& [pictures, group] : by_pictures) {
    require(group.size() > 1, "grounding",
            "only row {} has {} pictures, expected another one to exchange them with", rows[group[0]].key,
            pictures);
    const std::vector<std::size_t> order = derangement(group.size(), seed);
    for (std::size_t i = 0; i < group.size(); ++i) partner[group[i]] = group[order[i]];
  }
  return partner;
}

Json share_json(const LossSum& loss) { return {{"loss", loss.mean()}, {"perplexity", loss.perplexity()}}; }

}  // namespace

Json GroundingFigures::to_json() const {
  return {{"rows", rows},
          {"tokens", right.tokens},
          {"right_picture", share_json(right)},
          {"shuffled_picture", share_json(shuffled)},
          {"no_picture", share_json(none)},
          {"under_shuffled", under_shuffled()},
          {"under_none", under_none()}};
}

// One cycle through all (Sattolo's shuffle).
std::vector<std::size_t> derangement(std::size_t count, std::uint64_t seed) {
  ARTEMIS_ASSERT(count > 1);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  for (std::size_t i = count - 1; i > 0; --i) std::swap(order[i], order[random.below(i)]);
  return order;
}

Row without_pictures(Row row) {
  row.images.clear();
  for (Json& message : row.messages) {
    const auto content = message.find("content");
    if (content == message.end() || !content->is_array()) continue;
    Json text = Json::array();
    for (Json& part : *content) {
      if (part.value("type", "") != "image") text.push_back(std::move(part));
    }
    *content = std::move(text);
  }
  return row;
}

GroundingFigures evaluate_grounding(const Subject& subject, const std::vector<std::string>& paths,
                                    std::uint64_t seed, const EvaluateOptions& options) {
  std::vector<Row> rows = read_rows(paths, options.limit);
  std::erase_if(rows, [](const Row& row) { return row.images.empty(); });
  require(!rows.empty(), "grounding", "no row has a picture, expected at least two");
  const std::vector<std::size_t> partner = partners(rows, seed);
  const auto example = [&](const Row& row) {
    return make_example(row, subject.processor, subject.config, subject.ctx.pool());
  };
  GroundingFigures figures;
  const auto batch = static_cast<std::size_t>(options.batch_size);
  for (std::size_t begin = 0; begin < rows.size(); begin += batch) {
    std::vector<Example> right;
    std::vector<Example> shuffled;
    std::vector<Example> none;
    for (std::size_t i = begin; i < std::min(begin + batch, rows.size()); ++i) {
      right.push_back(example(rows[i]));
      Row other = rows[i];
      other.images = rows[partner[i]].images;
      shuffled.push_back(example(other));
      none.push_back(example(without_pictures(rows[i])));
    }
    figures.right += loss_of(subject, right);
    figures.shuffled += loss_of(subject, shuffled);
    figures.none += loss_of(subject, none);
    figures.rows += static_cast<std::int64_t>(right.size());
    if (options.done) options.done(figures.rows);
  }
  return figures;
}

}  // namespace artemis
