"use strict";
// The description is ours, the page that draws it is Swagger UI from its wheel.
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  // Nothing is told to anybody outside.
  validatorUrl: null,
  persistAuthorization: false,
});
