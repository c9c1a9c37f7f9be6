// A scene as a picture.
#pragma once

#include <string>

#include "artemis/lab/scene.h"

namespace artemis::lab {

struct DrawOptions {
  double noise = 6.0;  // standard deviation, of 255
  int quality = 92;    // of the JPEG
};

// The JPEG file of a scene. What the scene leaves open (shades, lines, noise) comes from `random`.
std::string draw_scene(Random& random, const Scene& scene, const DrawOptions& options);

}  // namespace artemis::lab
