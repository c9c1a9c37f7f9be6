// Scenes written down in words, in forms that stand where a picture's tokens will stand.
#pragma once

#include <string>

#include "artemis/lab/scene.h"

namespace artemis::lab {

// How a scene's facts are laid out (the corpora A, B and C of docs/laboratory.md).
enum class NoteForm : std::uint8_t {
  list,       // "notes : green circle small top left , large blue square center"
  words,      // 16 slots, one plain word in a slot
  compounds,  // 16 slots laid out as the picture's 4x4 tokens; a covered slot holds a word like
              // "small+cyan+circle"
};

// The notes of a scene; all facts that describe() and ask() speak of can be read off them.
std::string write_notes(const Scene& scene, NoteForm form, Random& random);

}  // namespace artemis::lab
