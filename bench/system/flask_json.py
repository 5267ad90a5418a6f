# SPDX-License-Identifier: MIT
"""JSON from Flask: twenty objects."""

from flask import Flask, jsonify

application = Flask(__name__)


@application.get("/")
def articles():
    return jsonify([{"number": n, "name": f"article {n}", "price": n * 1.25} for n in range(20)])
