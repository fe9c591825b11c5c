import { Refused } from '../../src/client/refused.ts'

interface Answer {
  status: number
  warnings?: { code: string; description: string; property?: string }[]
  errors?: { code: string; description: string; property?: string }[]
  [payload: string]: unknown
}

/** The few calls of the REST API that the demo makes. */
export class DemoApi {
  readonly url: string
  readonly #token: string

  /** @param token of the home; see `openToken` */
  constructor(url: string, token: string) {
    this.url = url
    this.#token = token
  }

  /** Creates something. @returns its id */
  async post(resource: 'connections' | 'account_maps' | 'group_maps', body: unknown): Promise<string> {
    const answer = await this.#send('POST', resource, body)
    return (answer[resource.slice(0, -1)] as { id: string }).id
  }

  async createJob(document: unknown): Promise<{ id: string; inert: number; warnings: string[] }> {
    const answer = await this.#send('POST', 'jobs', document)
    const warnings = answer.warnings ?? []
    const others = warnings.filter(({ code }) => code !== 'inert')
    return {
      id: (answer.job as { id: string }).id,
      inert: warnings.length - others.length,
      warnings: others.map(said),
    }
  }

  async jobNamed(name: string): Promise<{ id: string } | undefined> {
    const { jobs } = await this.#send('GET', `jobs?q=${encodeURIComponent(name)}`)
    return (jobs as { id: string; name: string }[]).findLast((one) => one.name === name)
  }

  /** `start`, `resume`. @throws Refused with the reasons */
  async command(command: string, id: string): Promise<void> {
    const { status, errors } = await this.#fetch('PATCH', `jobs/${id}?${command}=1`)
    if (status >= 300) throw new Refused((errors ?? []).map(said).join('; '))
  }

  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#fetch(method, path, body)
    if (answer.status < 300) return answer
    throw new Error(`${method} /v1/${path}: ${(answer.errors ?? []).map(said).join('; ')}`)
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return (await response.json()) as Answer
  }
}

function said({ description, property }: { description: string; property?: string }): string {
  return property === undefined ? description : `${property}: ${description}`
}
