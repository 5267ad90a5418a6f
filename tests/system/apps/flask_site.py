# SPDX-License-Identifier: MIT
"""A Flask application, for the tests."""

import hashlib

from flask import Flask, Response, jsonify, redirect, request, send_file, session, url_for
from gated_blocks import gated_blocks

app = Flask(__name__)
app.secret_key = "for tests only"
app.config["MAX_CONTENT_LENGTH"] = 64 << 20


@app.get("/hello/<name>")
def hello(name):
    return f"Hello, {name}!"


@app.post("/json")
def json():
    return jsonify(received=request.get_json(), agent=request.user_agent.string)


@app.route("/form", methods=["GET", "POST"])
def form():
    if request.method == "POST":
        session["text"] = request.form["text"]
        return redirect(url_for("form"))
    return session.get("text", "nothing yet")


@app.post("/upload")
def upload():
    file = request.files["file"]
    content = file.read()
    return jsonify(
        name=file.filename, size=len(content), sha256=hashlib.sha256(content).hexdigest()
    )


@app.post("/raw")
def raw():
    return jsonify(sha256=hashlib.sha256(request.get_data()).hexdigest())


@app.get("/stream")
def stream():
    return Response(gated_blocks(request.args["gate"]), mimetype="text/plain")


@app.get("/file")
def file():
    return send_file(__file__, mimetype="text/plain", conditional=True)


@app.get("/download/")
def download():
    return send_file(request.args["path"], conditional=True, download_name="file.bin")


@app.get("/fail")
def fail():
    raise ValueError("failing on purpose")


def create_app():
    return app
