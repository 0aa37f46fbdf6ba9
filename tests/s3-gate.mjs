// SPDX-License-Identifier: BSD-2-Clause
// A real S3-compatible server for tests (s3rver), behind a gate that checks each request's
// signature with Amazon's own signer, which s3rver does not.
//
//   node s3-gate.mjs MODULES DATA PORT-FILE LOG
//
// MODULES is a directory with node_modules/{s3rver,@smithy/signature-v4,@aws-crypto/sha256-js}.
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import http from "node:http";

const [modules, directory, portFile, log] = process.argv.slice(2);
const require = createRequire(modules + "/");
const S3rver = require("s3rver");
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");
const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" }; // the server's own
const region = "eu-west-3";

const store = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory,
  configureBuckets: [{ name: "btf" }] });
const { port } = await store.run();

// Why the request is not let in; undefined: it is.
async function refusal(request, body) {
  const said = request.headers.authorization ?? "";
  const words = Object.fromEntries(said.replace(/^\S+ /, "").split(",")
    .map((word) => word.trim().split(/=(.*)/s)));
  if (!words.SignedHeaders) return "not signed";
  const signed = words.SignedHeaders.split(";");
  const date = request.headers["x-amz-date"] ?? "";
  const signer = new SignatureV4({ credentials, region, service: "s3", sha256: Sha256,
    uriEscapePath: false, applyChecksum: false });
  const expected = await signer.sign({
    method: request.method, protocol: "http:", hostname: "127.0.0.1", path: request.url, query: {},
    headers: Object.fromEntries(signed.map((name) => [name, request.headers[name] ?? ""])),
  }, { signingDate: new Date(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z")),
       signableHeaders: new Set(signed) });
  const wanted = expected.headers.authorization.replace(/^.*Signature=/, "");
  if (words.Signature !== wanted) return "another signature";
  if (!["host", "x-amz-content-sha256", "x-amz-date"].every((name) => signed.includes(name)))
    return "a header is not signed";
  if (createHash("sha256").update(body).digest("hex") !== request.headers["x-amz-content-sha256"])
    return "another body";
}

const gate = http.createServer(async (request, answer) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const why = await refusal(request, body);
  appendFileSync(log, `${request.method} ${request.url} ${why ?? "let in"}\n`);
  if (why) {
    answer.writeHead(403).end();
    return;
  }
  const onward = http.request({ host: "127.0.0.1", port, method: request.method, path: request.url,
    headers: request.headers }, (reply) => {
    answer.writeHead(reply.statusCode, reply.headers);
    reply.pipe(answer);
  });
  onward.end(body);
});
gate.listen(0, "127.0.0.1", () => {
  writeFileSync(portFile + ".new", String(gate.address().port));
  renameSync(portFile + ".new", portFile);
});
