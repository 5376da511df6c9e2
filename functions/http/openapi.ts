import { z } from "zod";
import { ErrorBody, type Route } from "../../shared/api.ts";
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

/** OpenAPI 3.1 of a service, made from the schemas its requests are checked with. */
export function openApi(title: string, routes: Readonly<Record<string, Route>>): Record<string, unknown> {
  const own = Object.entries(routes).map(([name, route]) => ({ ...route, name }));
  const cogNames = new Set(cogOperations.map(({ name }) => name));
  const operations: Operation[] = [...cogOperations, ...own.filter(({ name }) => !cogNames.has(name))];
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describeOperation(operation) };
  }
  return {
    openapi: "3.1.0",
    info: { title, version: "1" },
    paths,
    components: {
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
