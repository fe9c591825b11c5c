/** The few calls of `/v1` that drive a job. */
export class Rest {
  readonly #url: string
  readonly #token: string

  /**
   * @param api `http://127.0.0.1:9090`
   * @param token of the home
   */
  constructor(api: string, token: string) {
    this.#url = api.replace(/\/$/, '')
    this.#token = token
  }

  async createConnection(document: object): Promise<string> {
    return ((await this.#send('POST', '/v1/connections', document)) as { connection: { id: string } }).connection.id
  }

  async createMap(type: 'account_map' | 'group_map', document: object): Promise<string> {
    return ((await this.#send('POST', `/v1/${type}s`, document)) as Record<typeof type, { id: string }>)[type].id
  }

  async createJob(document: object): Promise<string> {
    return ((await this.#send('POST', '/v1/jobs', document)) as { job: { id: string } }).job.id
  }

  async start(jobId: string): Promise<void> {
    await this.#send('PATCH', `/v1/jobs/${jobId}?start=1`)
  }

  async job(jobId: string): Promise<JobState> {
    return ((await this.#send('GET', `/v1/jobs/${jobId}?fields=all`)) as { job: JobState }).job
  }

  async lastExecution(jobId: string): Promise<ExecutionState | undefined> {
    const answer = (await this.#send('GET', `/v1/jobs/${jobId}/history?execution=last`)) as {
      job_executions: ExecutionState[]
    }
    return answer.job_executions[0]
  }

  /** @throws Error with the status and what the server says is wrong */
  async #send(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 2_000)}`)
    return JSON.parse(text)
  }
}

interface JobState {
  id: string
  status: string
  status_reason?: string
}

export interface ExecutionState {
  id: number
  status: string
  sentence: string
  end_time: number | null
  warnings: unknown[]
  stats: Stats | null
}

interface Stats {
  source: {
    existing: { files: number; folders: number; bytes: number | string }
    flagged: number
    pending: { files: number; retry: number }
  }
  by_status: Record<string, { items: number; bytes: number | string }>
  by_reason: { status: string; reason: string; items: number }[]
}
