// Draws the API's description. Keys typed here are forgotten with the page.
"use strict";
const place = document.getElementById("swagger-ui");
window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  persistAuthorization: false,
  // No validator badge: it would call a foreign host.
  validatorUrl: null,
});
