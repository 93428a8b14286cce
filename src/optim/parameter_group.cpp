#include "distill/optim/parameter_group.h"

#include "distill/core/regex.h"

namespace distill {

void ParameterGroupConfig::fields(Section& section) {
  section.field(
      "match", match,
      {.help = "A regular expression (PCRE2), looked for anywhere in a parameter's name in "
               "model.safetensors, such as 'embed_tokens' or 'layers\\.[0-3]\\.'.",
       .required = true});
  section.field("lr_scale", lr_scale,
                {.help = "Factor of the learning rate. To train nothing at all: student.freeze.",
                 .above = 0});
  section.field("weight_decay", weight_decay,
                {.help = "Decoupled decay of all that it matches, norms and biases too.",
                 .min = 0,
                 .default_text = "optimizer.weight_decay, not on norms and biases"});
  if (!section.parsing()) return;
  if (const std::string problem = regex_problem(match); !problem.empty()) {
    section.problem("match", problem);
  }
}

}  // namespace distill
