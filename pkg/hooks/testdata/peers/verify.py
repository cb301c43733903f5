# Reads {"secret", "headers", "body"} and says "verified", or fails with why not.
import json
import sys

from standardwebhooks import Webhook

said = json.load(sys.stdin)
Webhook(said["secret"]).verify(said["body"], said["headers"])
print("verified")
