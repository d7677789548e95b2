#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_models.sh - every order of steps of the models keeps what they promise, and every fault put in
# breaks it.

exec ./tests/model/models
