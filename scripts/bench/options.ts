import { parseArgs } from 'node:util'

export const workloads = ['W1', 'W2', 'W3', 'W10'] as const
export type Workload = (typeof workloads)[number]

export interface Options {
  only: readonly Workload[]
  pairs?: number
  short: boolean
  json: boolean
  keep: boolean
}

export const usage = `npm run bench -- [options]

  --short          smaller workloads with thresholds of their own, under 90 seconds
  --only W1,W3     these workloads (${workloads.join(', ')}); gates of the others are not judged
  --pairs n        rounds of us and the others, one after the other
  --json           the result as one JSON object on standard output, everything else on standard error
  --keep           leave the folder of trees, home and log behind`

/** @throws TypeError that says what is wrong */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      pairs: { type: 'string' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  })
  const only = (values.only ?? workloads.join(',')).split(',').map((name) => name.trim().toUpperCase())
  const unknown = only.filter((name) => !(workloads as readonly string[]).includes(name))
  if (unknown.length > 0) throw new TypeError(`--only ${unknown.join(',')}: there are ${workloads.join(', ')}`)
  const pairs = values.pairs === undefined ? undefined : Number(values.pairs)
  if (pairs !== undefined && !(Number.isInteger(pairs) && pairs > 0))
    throw new TypeError(`--pairs ${values.pairs}: a whole number above 0`)
  return {
    only: only as Workload[],
    ...(pairs === undefined ? {} : { pairs }),
    short: values.short,
    json: values.json,
    keep: values.keep,
  }
}
