export interface Refused {
  reasons: string[]
  /** The job has met its stop policy. */
  complete: boolean
}

interface Answer {
  status: number
  warnings?: { description: string; property?: string }[]
  errors?: { code: string; description: string; property?: string }[]
  [payload: string]: unknown
}

/** The few calls of the REST API that the demo makes. */
export class DemoApi {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** Creates something. @returns its id */
  async post(resource: 'connections' | 'account_maps' | 'group_maps', body: unknown): Promise<string> {
    const answer = await this.#send('POST', resource, body)
    return (answer[resource.slice(0, -1)] as { id: string }).id
  }

  async createJob(document: unknown): Promise<{ id: string; warnings: string[] }> {
    const answer = await this.#send('POST', 'jobs', document)
    const warnings = (answer.warnings ?? []).map(said)
    return { id: (answer.job as { id: string }).id, warnings }
  }

  async jobNamed(name: string): Promise<{ id: string; runs: number } | undefined> {
    const { jobs } = await this.#send('GET', `jobs?q=${encodeURIComponent(name)}`)
    const job = (jobs as { id: string; name: string }[]).findLast((one) => one.name === name)
    if (!job) return undefined
    const history = await this.#send('GET', `jobs/${job.id}/history?limit=1`)
    return { id: job.id, runs: (history.meta as { total_count: number }).total_count }
  }

  /** Starts a job. @returns why not, when it is refused */
  async start(id: string): Promise<Refused | undefined> {
    const answer = await this.#fetch('PATCH', `jobs/${id}?start=1`)
    if (answer.status < 300) return undefined
    const { job } = await this.#send('GET', `jobs/${id}`)
    return { reasons: (answer.errors ?? []).map(said), complete: (job as { status: string }).status === 'complete' }
  }

  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#fetch(method, path, body)
    if (answer.status < 300) return answer
    throw new Error(`${method} /v1/${path}: ${(answer.errors ?? []).map(said).join('; ')}`)
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return (await response.json()) as Answer
  }
}

function said({ description, property }: { description: string; property?: string }): string {
  return property === undefined ? description : `${property}: ${description}`
}
