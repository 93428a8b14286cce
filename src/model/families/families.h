// The families, one file each, and what the Llama-like ones share.
#pragma once

#include <span>
#include <string>

#include "distill/model/family.h"

namespace distill {

TransformerConfig read_gpt2(const Json& json, const std::string& where);
TransformerConfig read_llama(const Json& json, const std::string& where);
TransformerConfig read_mistral(const Json& json, const std::string& where);
TransformerConfig read_qwen2(const Json& json, const std::string& where);
TransformerConfig read_qwen3(const Json& json, const std::string& where);

std::span<const WeightRow> gpt2_weights();
std::span<const WeightRow> llama_weights();  // also of Mistral, Qwen2 and Qwen3

}  // namespace distill
