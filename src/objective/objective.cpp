// The keys that every objective has.
#include "distill/objective/objective.h"

namespace distill {

void Objective::fields(Section& section) {
  section.field(
      "weight", weight_,
      {.help = "Factor of this term in the loss; taken as given, never normalised.", .min = 0});
  section.field("name", label_,
                {.help = "What logs call this term; needed where a type is listed twice.",
                 .default_text = "its type"});
  options(section);
}

}  // namespace distill
