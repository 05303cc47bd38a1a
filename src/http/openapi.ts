import { z } from 'zod'
import type { Access, Route } from '../kit/contract.ts'

/** The contracts of every slice as one OpenAPI 3.1 document (API rows only; pages are for people). */
export function openapi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes.filter((r) => r.kind === undefined || r.kind === 'api')) {
    const path = route.path.replace(/:([a-z]+)/gi, '{$1}')
    const entry = (paths[path] ??= {})
    entry[route.method.toLowerCase()] = {
      operationId: route.id,
      summary: route.summary,
      'x-khien-listener': route.listener,
      'x-khien-access': accessOf(route.access),
      parameters: [
        ...fields(route.params, 'path'),
        ...fields(route.query, 'query'),
        ...(route.once
          ? [
              {
                name: 'Idempotency-Key',
                in: 'header',
                required: false,
                schema: { type: 'string', minLength: 8, maxLength: 128 },
              },
            ]
          : []),
      ],
      ...(route.bytes
        ? { requestBody: { required: true, content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } }
        : {}),
      ...(route.body
        ? {
            requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } },
          }
        : {}),
      responses: {
        200: {
          description: 'Done',
          ...(route.response
            ? { content: { 'application/json': { schema: schemaOf(route.response, 'output') } } }
            : {}),
        },
        default: {
          description: 'Refused',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Khiên', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: { Problem: schemaOf(Problem, 'output') },
      securitySchemes: { serviceKey: { type: 'http', scheme: 'bearer' } },
    },
  }
}

const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  field: z.string().optional(),
  requestId: z.string().optional(),
})

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

function fields(schema: z.ZodType | undefined, where: 'path' | 'query'): object[] {
  if (!schema) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, object>
    required?: string[]
  }
  return Object.entries(properties).map(([name, value]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: value,
  }))
}

const accessOf = (access: Access): string[] => [
  ...(access.open ? ['open'] : []),
  ...(access.person ? ['person'] : []),
  ...(access.roles ?? []).map((role) => `role:${role}`),
  ...(access.scope ? [`scope:${access.scope}`] : []),
]
