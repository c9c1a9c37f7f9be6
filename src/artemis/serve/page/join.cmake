# cmake -DOUT=FILE -P join.cmake: the page's files as one document, in OUT.html, and page_document() in OUT.
set(here ${CMAKE_CURRENT_LIST_DIR})
# In the order in which the script reads: each uses what stands before it.
set(scripts dom markdown pictures conversation api snippets turns settings page)

file(READ ${here}/index.html document)
file(READ ${here}/page.css style)
set(script "")
foreach(name ${scripts})
  file(READ ${here}/${name}.js part)
  string(APPEND script "${part}")
endforeach()
string(REPLACE "@page.css@" "${style}" document "${document}")
string(REPLACE "@page.js@" "${script}" document "${document}")

file(WRITE ${OUT}.html "${document}")
file(READ ${OUT}.html bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(
  WRITE ${OUT}
  "// Made by page/join.cmake.
#include \"artemis/serve/page.h\"

namespace artemis {

std::string_view page_document() {
  static constexpr unsigned char bytes[] = {${bytes}};
  return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}

}  // namespace artemis
")
