# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A XAPI pool for tests: what vhdstream's servers say and do, quirks included."""
