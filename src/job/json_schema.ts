import { z } from 'zod'
import { jobSchema } from './document.ts'
import { notes, type JsonSchema } from './wire.ts'

/**
 * The JSON Schema (2020-12) of job documents, lenient forms included, with a description on every key: editors complete
 * and check a file whose `$schema` names it. Made from the schema that {@link readJob} reads by.
 */
export function jobJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(jobSchema, {
    io: 'input',
    // Leaves read in code; their notes say what they take.
    unrepresentable: 'any',
    reused: 'ref',
    override: ({ zodSchema, jsonSchema }) => annotate(zodSchema as unknown as z.ZodType, jsonSchema as JsonSchema),
  })
  return {
    ...schema,
    $id: 'urn:stevedore:job-document',
    title: 'Stevedore job',
    description: 'What to move from where to where, how, and when: the body of POST /v1/jobs.',
  }
}

function annotate(from: z.ZodType, schema: JsonSchema): void {
  // A leaf is asked about a missing key too, so zod takes every leaf for optional.
  if (from instanceof z.ZodObject) {
    const shape = from.shape as Record<string, z.ZodType>
    const required = Object.keys(shape).filter((key) => !(shape[key] instanceof z.ZodOptional))
    if (required.length > 0) schema['required'] = required
  }
  const note = notes.get(from)
  if (!note) return
  if (note.single === true) either(schema, schema['items'] as JsonSchema)
  if (note.also) either(schema, note.also)
  Object.assign(schema, note.json)
}

/** Makes it, in place, take another form too. */
function either(schema: JsonSchema, other: JsonSchema): void {
  const own = { ...schema }
  for (const key of Object.keys(schema)) delete schema[key]
  schema['anyOf'] = [own, other]
}
