/* The machine's fused multiply-add ceiling: threads run twelve independent chains of AVX2 FMAs on registers alone.
 * Prints GFLOP/s of the best of several bursts.
 *
 *     cc -O2 -mavx2 -mfma -pthread fma-peak.c -o fma-peak && ./fma-peak <threads>
 */
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, LANES = 8, REPEATS = 20 * 1000 * 1000, BURSTS = 7, MAX_THREADS = 256 };

static void *burst(void *sink) {
  __m256 a[CHAINS], x = _mm256_set1_ps(0.999999f), y = _mm256_set1_ps(1e-7f), sum = _mm256_setzero_ps();
  for (int i = 0; i < CHAINS; i++) a[i] = _mm256_set1_ps(1.0f + (float)i);
  for (long n = 0; n < REPEATS; n++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) a[i] = _mm256_fmadd_ps(a[i], x, y);
  }
  for (int i = 0; i < CHAINS; i++) sum = _mm256_add_ps(sum, a[i]);
  *(float *)sink = _mm256_cvtss_f32(sum);
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1;
  if (threads < 1 || threads > MAX_THREADS) return fprintf(stderr, "threads must be 1 to %d\n", MAX_THREADS), 1;
  static float sinks[MAX_THREADS];
  double best = 0;
  for (int n = 0; n < BURSTS; n++) {
    pthread_t workers[MAX_THREADS];
    double start = now();
    for (int i = 0; i < threads; i++) pthread_create(&workers[i], NULL, burst, &sinks[i]);
    for (int i = 0; i < threads; i++) pthread_join(workers[i], NULL);
    double rate = 2.0 * LANES * CHAINS * REPEATS * threads / (now() - start) / 1e9;
    if (rate > best) best = rate;
  }
  printf("%.1f\n", best);
  return 0;
}
