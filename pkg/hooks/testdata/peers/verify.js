// Reads {"secret", "headers", "body"} and says "verified", or fails with why not.
const { Webhook } = require("standardwebhooks");
const { secret, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));
new Webhook(secret).verify(body, headers);
console.log("verified");
