#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A loopback HTTP server with faults, for tests.

    mirror.py DIR PORT-FILE LOG-FILE [CERTIFICATE KEY [CLIENT-AUTHORITY]]

With a certificate it speaks TLS; with an authority, to those alone whom that vouches for.
Serves DIR on 127.0.0.1, directories as listings, writes its port to PORT-FILE and a line "METHOD PATH RANGE
-> STATUS BYTES" a request to LOG-FILE. Knows Range, If-Range and ETag; DELETE; PUT, with If-Match and If-None-Match. Where there
is a file DIR/s3 with "KEY SECRET REGION [TOKEN]", every request must be signed for S3 with
these (AWS Signature Version 4, worked out here by Python's hmac). A directory with an index.html shows that;
questions ("?...") are answered by DIR/queries, lines "PATTERN FILE", the first whose PATTERN
is in the path, else as if nothing was asked. Faults are lines
of the file DIR/faults, read at every request, "PATTERN FAULT [ARGUMENT]"; the first
whose PATTERN is in the path applies:

    status N      answer with that status
    cut N         send N bytes of what was asked for, then hang up
    cut-once N    the same, only the first time
    stall N       send N bytes of what was asked for, then nothing for a minute
    length N      claim a Content-Length of N (and send what there is)
    extra N       send N bytes more than the file has
    norange       ignore Range
    redirect URL  answer 302; {path} in URL is the path
    etag TEXT     another ETag
    badrange      answer a Range request with the wrong part
    noput         do not take a PUT
    noconditions  store what is PUT whatever If-Match says
    lose-answer   store what is PUT, then hang up, once
    flip          change a byte of what is sent
    auth USER:PW  answer 401 to who does not say so
    token TEXT    answer 403 to who does not ask with "?TEXT"
    gzip          send it with Content-Encoding: gzip, asked for or not
    hang          take the question and say nothing for a minute
    reset         hang up without a word
    slow N        send N bytes a second
    gone N        send N bytes, then hang up and answer nobody any more
    corrupt N     another byte at N
"""
import base64
import gzip
import hashlib
import hmac
import html
import http.server
import os
import ssl
import sys
import threading
import time
import urllib.parse
import zlib

root, port_file, log_file = sys.argv[1:4]
tls = sys.argv[4:]
done_once = set()
writing = threading.Lock()


def listing(shown, path):
    """A directory as nginx lists it: times and sizes, names percent-encoded."""
    lines = [f'<a href="{urllib.parse.quote(name)}">{html.escape(name)}</a>'
             f'    01-Jan-2020 00:00    {os.path.getsize(os.path.join(path, name))}\n'
             for name in sorted(os.listdir(path))]
    return (f"<html>\n<head><title>Index of {shown}</title></head>\n<body>\n<h1>Index of {shown}"
            f'</h1><hr><pre><a href="../">../</a>\n{"".join(lines)}</pre><hr></body>\n'
            "</html>\n").encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status, size):
        with open(log_file, "a") as log:
            log.write(f"{self.command} {self.path} {self.headers.get('Range', '-')} "
                      f"-> {status} {size}\n")

    def fault(self):
        try:
            lines = open(os.path.join(root, "faults")).read().splitlines()
        except FileNotFoundError:
            return "", ""
        for line in lines:
            words = line.split()
            if words and words[0] in self.path:
                if words[1] in ("cut-once", "lose-answer"):
                    if line in done_once:
                        continue
                    done_once.add(line)
                    if words[1] == "cut-once":
                        words[1] = "cut"
                return words[1], words[2] if len(words) > 2 else ""
        return "", ""

    def answer_status(self, status, headers=()):
        self.note(status, 0)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def asked_bytes(self, fault, etag, size):
        """First and end of what is asked for; None: everything."""
        asked = self.headers.get("Range", "")
        condition = self.headers.get("If-Range")
        if fault == "norange" or not asked.startswith("bytes=") or condition not in (None, etag):
            return None
        first, last = asked[6:].split("-")
        return int(first), min(int(last) + 1, size) if last else size

    def signature(self, secret, date, region, signed):
        """What AWS Signature Version 4 says of this request."""
        headers = "".join(f"{name}:{' '.join(self.headers.get(name, '').split())}\n"
                          for name in signed)
        payload = self.headers.get("x-amz-content-sha256", "")
        request = "\n".join([self.command, self.path, "", headers, ";".join(signed), payload])
        scope = f"{date[:8]}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(request.encode()).hexdigest()])
        key = ("AWS4" + secret).encode()
        for word in scope.split("/"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def is_refused(self, body):
        """Why a request to an S3 bucket is not let in; None: it is."""
        try:
            key, secret, region, *token = open(os.path.join(root, "s3")).read().split()
        except FileNotFoundError:
            return None
        said = self.headers.get("Authorization", "")
        if not said.startswith("AWS4-HMAC-SHA256 "):
            return "not signed"
        words = dict(word.strip().split("=", 1) for word in said.split(" ", 1)[1].split(","))
        signed, date = words["SignedHeaders"].split(";"), self.headers.get("x-amz-date", "")
        if words["Credential"] != f"{key}/{date[:8]}/{region}/s3/aws4_request":
            return "another key, day or region"
        must = ["host", "x-amz-content-sha256", "x-amz-date"]
        must += ["x-amz-security-token"] if token else []
        if any(name not in signed for name in must) or signed != sorted(signed):
            return "a header is not signed"
        if token and self.headers.get("x-amz-security-token") != token[0]:
            return "another token"
        if self.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return "another body than the one signed"
        if not hmac.compare_digest(words["Signature"], self.signature(secret, date, region, signed)):
            return "another signature"
        return None

    def refuse(self, body=b""):
        why = self.is_refused(body)
        if why:
            with open(log_file, "a") as log:
                log.write(f"{self.command} {self.path} refused: {why}\n")
            self.answer_status(403)
        return why

    def do_HEAD(self):
        fault, argument = self.fault()
        path = os.path.join(root, self.path.lstrip("/"))
        if self.refuse():
            return
        if fault == "status":
            return self.answer_status(int(argument))
        if not os.path.isfile(path):
            return self.answer_status(404)
        self.note(200, 0)
        self.send_response(200)
        self.send_header("Content-Length", str(os.path.getsize(path)))
        self.end_headers()

    def condition_holds(self, path):
        etag = None
        if os.path.isfile(path):
            data = open(path, "rb").read()
            etag = f'"{len(data)}-{zlib.crc32(data):x}"'
        wanted = self.headers.get("If-Match")
        return (wanted is None or wanted == etag) and (
            self.headers.get("If-None-Match") is None or etag is None)

    def do_PUT(self):
        fault, argument = self.fault()
        path = os.path.join(root, self.path.lstrip("/"))
        if fault == "noput":
            self.close_connection = True
            return self.answer_status(405)
        if fault == "cut":
            self.rfile.read(int(argument))
            self.close_connection = True
            self.note(0, 0)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refuse(body):
            return
        if fault == "status":
            return self.answer_status(int(argument))
        if fault == "redirect":
            return self.answer_status(307, [("Location", argument.format(path=self.path))])
        with writing:
            if fault != "noconditions" and not self.condition_holds(path):
                return self.answer_status(412)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path + ".new", "wb") as f:
                f.write(body)
            os.rename(path + ".new", path)
        if fault == "lose-answer":
            self.close_connection = True
            self.note(0, len(body))
            return
        self.answer_status(200)

    def do_DELETE(self):
        fault, argument = self.fault()
        path = os.path.join(root, self.path.lstrip("/"))
        if self.refuse():
            return
        if fault == "noput":
            return self.answer_status(405)
        if fault == "status":
            return self.answer_status(int(argument))
        if not os.path.isfile(path):
            return self.answer_status(404)
        os.unlink(path)
        self.answer_status(204)

    def asked_for(self):
        try:
            for line in open(os.path.join(root, "queries")):
                pattern, name = line.split()
                if "?" in self.path and pattern in self.path:
                    return os.path.join(root, name)
        except FileNotFoundError:
            pass
        path = os.path.join(root, urllib.parse.unquote(self.path.split("?")[0]).lstrip("/"))
        page = os.path.join(path, "index.html")
        return page if path.endswith("/") and os.path.isfile(page) else path

    def do_GET(self):
        fault, argument = self.fault()
        path = self.asked_for()
        if self.refuse():
            return
        if fault == "hang":
            self.note(0, 0)
            time.sleep(60)
        if fault in ("hang", "reset"):
            self.close_connection = True
            return None
        if fault == "auth" and self.headers.get("Authorization") != \
                "Basic " + base64.b64encode(argument.encode()).decode():
            return self.answer_status(401, [("WWW-Authenticate", 'Basic realm="SCC"')])
        if fault == "token" and not self.path.endswith("?" + argument):
            return self.answer_status(403)
        if fault == "status":
            return self.answer_status(int(argument))
        if fault == "redirect":
            return self.answer_status(302, [("Location", argument.format(path=self.path))])
        if self.path.endswith("/") and os.path.isdir(path):
            data = listing(self.path, path)
        elif os.path.isfile(path):
            data = open(path, "rb").read()
        else:
            return self.answer_status(404)
        if fault == "corrupt":
            at = int(argument)
            data = data[:at] + bytes([data[at] ^ 255]) + data[at + 1:]
        etag = f'"{argument}"' if fault == "etag" else f'"{len(data)}-{zlib.crc32(data):x}"'
        asked = self.asked_bytes(fault, etag, len(data))
        if asked and asked[0] >= len(data):
            return self.answer_status(416)
        self.answer_data(data, asked, etag, fault, argument)

    def answer_data(self, data, asked, etag, fault, argument):
        first, end = asked or (0, len(data))
        body = data[first:end]
        if fault == "flip":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if fault == "gzip":
            body = gzip.compress(body)
        self.send_response(206 if asked else 200)
        if fault == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("ETag", etag)
        if asked:
            shown = first - 1 if fault == "badrange" else first
            self.send_header("Content-Range", f"bytes {shown}-{end - 1}/{len(data)}")
        length = len(body)
        if fault == "length":
            length = int(argument)
        if fault == "extra":
            body += b"x" * int(argument)
            self.close_connection = True  # no Content-Length: until the connection ends
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if fault in ("cut", "stall", "gone"):
            body = body[:int(argument)]
        if fault in ("cut", "stall", "length", "gone"):
            self.close_connection = True
        self.note(206 if asked else 200, len(body))
        try:
            if fault == "slow":
                for i in range(0, len(body), int(argument)):
                    self.wfile.write(body[i:i + int(argument)])
                    time.sleep(1)
                return
            self.wfile.write(body)
            if fault == "gone":
                self.wfile.flush()
                os._exit(0)
            if fault == "stall":
                time.sleep(60)
        except (BrokenPipeError, ConnectionResetError):
            pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.handle_error = lambda *args: None  # clients hang up on purpose
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls[0], tls[1])
    if tls[2:]:
        context.load_verify_locations(tls[2])
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
