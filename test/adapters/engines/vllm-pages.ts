/** Small pages as the versions of vLLM write them (names and labels are facts of the versions, the numbers are ours). */
export const v0 = `# HELP vllm:num_requests_running Number of requests currently running on GPU.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="m"} 5.0
vllm:num_requests_swapped{model_name="m"} 1.0
vllm:num_requests_waiting{model_name="m"} 2.0
vllm:gpu_cache_usage_perc{model_name="m"} 0.25
vllm:cpu_cache_usage_perc{model_name="m"} 0.9
vllm:num_preemptions_total{model_name="m"} 3.0
vllm:prompt_tokens_total{model_name="m"} 1000.0
vllm:generation_tokens_total{model_name="m"} 400.0
vllm:time_to_first_token_seconds_sum{model_name="m"} 4.5
vllm:time_to_first_token_seconds_count{model_name="m"} 9.0
vllm:time_per_output_token_seconds_sum{model_name="m"} 8.0
vllm:time_per_output_token_seconds_count{model_name="m"} 391.0
vllm:request_success_total{finished_reason="stop",model_name="m"} 6.0
vllm:request_success_total{finished_reason="length",model_name="m"} 3.0
vllm:cache_config_info{block_size="16",num_gpu_blocks="100"} 1.0
`;

export const v1Early = `vllm:num_requests_running{engine="0",model_name="m"} 5.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:gpu_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:gpu_prefix_cache_hits_total{engine="0",model_name="m"} 12.0
vllm:prompt_tokens_total{engine="0",model_name="m"} 1000.0
vllm:prompt_tokens_created{engine="0",model_name="m"} 1.7e+09
vllm:generation_tokens_total{engine="0",model_name="m"} 400.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 9.0
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="100"} 1.0
`;

/** Two data-parallel ranks, the tokens of a batch in a histogram that ends in _total, and counters' birth times as gauges. */
export const twoRanks = `vllm:num_requests_running{engine="0",model_name="m"} 5.0
vllm:num_requests_running{engine="1",model_name="m"} 7.0
vllm:num_requests_waiting{engine="0",model_name="m"} 0.0
vllm:num_requests_waiting{engine="1",model_name="m"} 4.0
vllm:num_requests_waiting_by_reason{engine="1",model_name="m",reason="capacity"} 4.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.2
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.8
vllm:engine_sleep_state{engine="0",model_name="m",sleep_state="awake"} 1.0
vllm:engine_sleep_state{engine="1",model_name="m",sleep_state="awake"} 1.0
vllm:engine_sleep_state{engine="0",model_name="m",sleep_state="discard_all"} 0.0
vllm:engine_sleep_state{engine="1",model_name="m",sleep_state="discard_all"} 0.0
vllm:prompt_tokens_total{engine="0",model_name="m"} 100.0
vllm:prompt_tokens_total{engine="1",model_name="m"} 50.0
vllm:prompt_tokens_created{engine="0",model_name="m"} 1.79e+09
vllm:prompt_tokens_cached_total{engine="0",model_name="m"} 10.0
vllm:prompt_tokens_cached_total{engine="1",model_name="m"} 20.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 99.0
vllm:iteration_tokens_total_bucket{engine="0",le="+Inf",model_name="m"} 77.0
vllm:iteration_tokens_total_sum{engine="0",model_name="m"} 777.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 3.0
vllm:request_success_total{engine="1",finished_reason="abort",model_name="m"} 4.0
vllm:request_success_created{engine="0",finished_reason="stop",model_name="m"} 1.79e+09
vllm:inter_token_latency_seconds_sum{engine="0",model_name="m"} 1.5
vllm:inter_token_latency_seconds_sum{engine="1",model_name="m"} 2.5
vllm:inter_token_latency_seconds_count{engine="0",model_name="m"} 60.0
vllm:inter_token_latency_seconds_count{engine="1",model_name="m"} 40.0
vllm:cache_config_info{block_size="16",engine="0",kv_cache_size_tokens="1600",num_gpu_blocks="100"} 1.0
vllm:cache_config_info{block_size="16",engine="1",kv_cache_size_tokens="1600",num_gpu_blocks="100"} 1.0
http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 9.0
http_requests_total{handler="/v1/chat/completions",method="POST",status="4xx"} 50.0
http_requests_total{handler="/v1/models",method="GET",status="2xx"} 500.0
`;
