import { z } from "zod";
import { ErrorBody, type Route } from "../../shared/api.ts";
import { identityHeaders, signatureWindowMs } from "../../shared/identity.ts";
import { JobEvent, JobInput, JobOutput, Prediction } from "../../shared/job.ts";
import { PredictionRequest } from "./predictions.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly name: string;
  readonly request: Route["request"];
  readonly response: Route["response"];
  readonly query?: z.ZodType;
}

const cogOperations: readonly Operation[] = [
  { method: "POST", path: "/predictions", name: "createPrediction", request: PredictionRequest, response: Prediction },
  { method: "PUT", path: "/predictions/:id", name: "putPrediction", request: PredictionRequest, response: Prediction },
];

/** What anybody may ask. */
const healthPaths = {
  "/health-check": {
    get: { operationId: "healthCheck", responses: { "200": { description: "`status` says how it is" } } },
  },
  "/ping": {
    get: {
      operationId: "ping",
      responses: {
        "200": { description: "Ready" },
        "204": { description: "Still loading" },
        "503": { description: "It never will be: its log says why" },
      },
    },
  },
};

/** How `shared/identity.ts` signs, for whoever writes a client of their own. */
const securitySchemes = {
  identity: inHeader(
    identityHeaders.identity,
    'Who the request speaks for: base64url of JSON such as {"user":{"id":"1","name":"ann"},"server":"2","moderator":false}',
  ),
  timestamp: inHeader(
    identityHeaders.timestamp,
    `Milliseconds since 1970, at most ${signatureWindowMs / 60_000} minutes from the service's clock`,
  ),
  signature: inHeader(
    identityHeaders.signature,
    "HMAC-SHA-256 with SIGNING_SECRET, in hex, over six lines joined by newlines: eponym-1, the method in capitals, path with query, the timestamp, SHA-256 of the body in hex, the identity header",
  ),
};

function inHeader(name: string, description: string) {
  return { type: "apiKey", in: "header", name, description };
}

/** OpenAPI 3.1 of a service, made from the schemas its requests are checked with. `signed`: it answers nobody without a signature. */
export function openApi(
  title: string,
  routes: Readonly<Record<string, Route>>,
  signed: boolean,
): Record<string, unknown> {
  const own = Object.entries(routes).map(([name, route]) => ({ ...route, name }));
  const cogNames = new Set(cogOperations.map(({ name }) => name));
  const operations: Operation[] = [...cogOperations, ...own.filter(({ name }) => !cogNames.has(name))];
  const paths: Record<string, Record<string, unknown>> = { ...healthPaths };
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    const described = { ...describeOperation(operation), ...(signed && { security: [allOf(securitySchemes)] }) };
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: described };
  }
  return {
    openapi: "3.1.0",
    info: { title, version: "1" },
    paths,
    components: {
      ...(signed && { securitySchemes }),
      schemas: {
        // Cog's names: tools look for them.
        Input: jsonSchema(JobInput, "input"),
        Output: jsonSchema(JobOutput, "output"),
        PredictionRequest: jsonSchema(PredictionRequest, "input"),
        PredictionResponse: jsonSchema(Prediction, "output"),
        Event: jsonSchema(JobEvent, "output"),
        Error: jsonSchema(ErrorBody, "output"),
      },
    },
  };
}

const allOf = (schemes: object) => Object.fromEntries(Object.keys(schemes).map((name) => [name, []]));

function describeOperation({ name, path, request, response, query }: Operation): Record<string, unknown> {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, id]) => ({
    name: id,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    operationId: name,
    parameters: [...inPath, ...(query === undefined ? [] : queryParameters(query))],
    ...(request === null ? {} : { requestBody: { required: true, content: contentOf(request, "input") } }),
    responses: {
      "200": { description: "Done", ...(response === null ? {} : { content: contentOf(response, "output") }) },
      default: {
        description: "What was wrong and what to do",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

function queryParameters(query: z.ZodType): readonly unknown[] {
  const { properties = {} } = jsonSchema(query, "input") as { properties?: Record<string, unknown> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema }));
}

function contentOf(body: NonNullable<Route["response"]>, io: "input" | "output"): Record<string, unknown> {
  if (body === "events") return { "text/event-stream": { schema: { $ref: "#/components/schemas/Event" } } };
  if (body === "bytes") return { "application/octet-stream": {} };
  return { "application/json": { schema: jsonSchema(body, io) } };
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): unknown {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return plain;
}
