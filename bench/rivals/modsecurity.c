/*
 * Runs raw HTTP requests through libmodsecurity (v3), as the rival of bench/waf.ts and as its oracle in differential tests.
 *
 *   gcc -O2 -o modsec bench/rivals/modsecurity.c -lmodsecurity
 *   modsec RULES.conf            frames on stdin, one line of NDJSON a request on stdout: {"status":403,"rules":[942100,...]}
 *   modsec RULES.conf ROUNDS     the same frames ROUNDS times; prints the CPU microseconds per request of each frame, a line each
 *
 * A frame, all integers 32-bit little-endian:
 *   method, target, version ("1.1"), count of headers, then name and value of each, body; a string is its length and its bytes.
 */
#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct { unsigned char *bytes; uint32_t length; } text;
typedef struct { text method, target, version, body; uint32_t count; text *names, *values; } request;

static char matched[65536];

static void on_log(void *data, const void *message) {
  const char *found = strstr((const char *)message, "[id \"");
  if (found == NULL) return;
  size_t used = strlen(matched);
  long id = strtol(found + 5, NULL, 10);
  if (used + 16 < sizeof matched) sprintf(matched + used, "%s%ld", used == 0 ? "" : ",", id);
}

static int number(uint32_t *out) { return fread(out, 4, 1, stdin) == 1; }

static int string(text *out) {
  if (!number(&out->length)) return 0;
  out->bytes = malloc(out->length + 1);
  out->bytes[out->length] = 0;
  return out->length == 0 || fread(out->bytes, out->length, 1, stdin) == 1;
}

static int frame(request *out) {
  if (!string(&out->method) || !string(&out->target) || !string(&out->version) || !number(&out->count)) return 0;
  out->names = calloc(out->count + 1, sizeof(text));
  out->values = calloc(out->count + 1, sizeof(text));
  for (uint32_t i = 0; i < out->count; i++)
    if (!string(&out->names[i]) || !string(&out->values[i])) return 0;
  return string(&out->body);
}

static int refused(Transaction *transaction) {
  ModSecurityIntervention it = {200, 0, NULL, NULL, 0};
  if (msc_intervention(transaction, &it) == 0) return 0;
  free(it.url);
  free(it.log);
  return it.status == 200 ? 403 : it.status;
}

/* connect, URI, request headers, request body: phases 1 and 2; phase 5 only where ids are asked for. */
static int run(ModSecurity *engine, RulesSet *rules, const request *asked, int logging) {
  Transaction *transaction = msc_new_transaction(engine, rules, NULL);
  msc_process_connection(transaction, "127.0.0.1", 40000, "127.0.0.1", 80);
  msc_process_uri(transaction, (char *)asked->target.bytes, (char *)asked->method.bytes, (char *)asked->version.bytes);
  for (uint32_t i = 0; i < asked->count; i++)
    msc_add_n_request_header(transaction, asked->names[i].bytes, asked->names[i].length, asked->values[i].bytes,
                             asked->values[i].length);
  msc_process_request_headers(transaction);
  int status = refused(transaction);
  if (status == 0) {
    if (asked->body.length > 0) msc_append_request_body(transaction, asked->body.bytes, asked->body.length);
    msc_process_request_body(transaction);
    status = refused(transaction);
  }
  if (logging) msc_process_logging(transaction);
  msc_transaction_cleanup(transaction);
  return status;
}

static double cpu(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec * 1e6 + used.ru_utime.tv_usec + used.ru_stime.tv_sec * 1e6 + used.ru_stime.tv_usec;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: modsec RULES.conf [ROUNDS]\n"), 2;
  ModSecurity *engine = msc_init();
  msc_set_log_cb(engine, on_log);
  RulesSet *rules = msc_create_rules_set();
  const char *error = NULL;
  if (msc_rules_add_file(rules, argv[1], &error) < 0) return fprintf(stderr, "%s\n", error), 1;
  int rounds = argc > 2 ? atoi(argv[2]) : 0;
  request asked;
  while (frame(&asked)) {
    if (rounds == 0) {
      matched[0] = 0;
      int status = run(engine, rules, &asked, 1);
      printf("{\"status\":%d,\"rules\":[%s]}\n", status, matched);
      fflush(stdout);
      continue;
    }
    for (int i = 0; i < rounds / 10 + 1; i++) run(engine, rules, &asked, 0);
    double began = cpu();
    for (int i = 0; i < rounds; i++) run(engine, rules, &asked, 0);
    printf("%.2f\n", (cpu() - began) / rounds);
    fflush(stdout);
  }
  return 0;
}
