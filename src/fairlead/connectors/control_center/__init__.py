"""Cisco IoT Control Center (once Jasper): one account at one of the dozens of operators that run it."""
