#include "artemis/train/row_json.h"

namespace artemis {

bool is_picture_type(std::string_view type) {
  return type == "jpg" || type == "jpeg" || type == "png" || type == "webp";
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(space) - begin + 1));
}

Row row_from_json(const std::string& where, const Json& json, std::vector<PictureFile> pictures) {
  require(json.is_object(), where, "is {}, expected an object with 'caption' or 'messages'",
          json.type_name());
  if (json.contains("messages")) {
    const Json& value = json["messages"];
    Row row{.key = where, .messages = value, .images = std::move(pictures)};
    if (value.is_string())
      row.messages = parse_json(value.get_ref<const std::string&>(), where + ", messages");
    check_messages(row.messages, where);
    return row;
  }
  const auto caption = json_get<std::string>(json, "caption", where);
  require(pictures.size() == 1, where, "has a caption and {} pictures, expected one", pictures.size());
  require(!caption.empty(), where, "has an empty caption");
  return caption_row(where, std::move(pictures.front()), caption);
}

}  // namespace artemis
