{{/* What a schema can't say: every problem at once, a sentence each. */}}
{{- define "app.checks" -}}
{{- $problems := list -}}
{{- $known := .Files.Get "files/settings.txt" -}}
{{- if not .Values.image.repository -}}
{{- $problems = append $problems "image.repository is missing: the image's name, as registry.example.com/api" -}}
{{- end -}}
{{- if not (or .Values.image.tag .Values.image.digest) -}}
{{- $problems = append $problems "image.tag and image.digest are missing: say which release runs, best by its digest" -}}
{{- end -}}
{{- range $where, $image := dict "image" .Values.image "pgbouncer.image" .Values.pgbouncer.image -}}
{{- if eq $image.tag "latest" -}}
{{- $problems = append $problems (printf "%s.tag is latest, which names another release tomorrow: say which one" $where) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "SECRET_KEY" "DATABASE_URL" "REDIS_CACHE_URL" "REDIS_QUEUE_URL" "REDIS_RATE_LIMIT_URL" -}}
{{- if not (or (get $.Values.secrets $name) (eq (get $.Values.settings $name) "off")) -}}
{{- $problems = append $problems (printf "secrets.%s is missing: name a Secret that is there, as secrets.%s.secret=app" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.seed.enabled (not .Values.secrets.ADMIN_PASSWORD) -}}
{{- $problems = append $problems "secrets.ADMIN_PASSWORD is missing: seed.enabled makes the superuser, who needs one" -}}
{{- end -}}
{{- /* Where no cluster is asked, nothing is found, and nothing said. Where one is, Helm may read the
namespace's Secrets: it keeps its releases in some. */ -}}
{{- $there := dict -}}
{{- range (lookup "v1" "Secret" .Release.Namespace "").items -}}
{{- $_ := set $there .metadata.name (.data | default dict) -}}
{{- end -}}
{{- $named := dict -}}
{{- range $name, $from := .Values.secrets -}}
{{- if $from }}{{ $_ := set $named (printf "secrets.%s" $name) (dict "secret" $from.secret "key" ($from.key | default $name)) }}{{ end -}}
{{- end -}}
{{- if and .Values.pgbouncer.enabled .Values.pgbouncer.userlist.secret -}}
{{- $_ := set $named "pgbouncer.userlist" .Values.pgbouncer.userlist -}}
{{- end -}}
{{- range $where, $from := $named -}}
{{- if and $there (not (hasKey $there $from.secret)) -}}
{{- $problems = append $problems (printf "%s: namespace %s has no Secret %s" $where $.Release.Namespace $from.secret) -}}
{{- else if and $there (not (hasKey (get $there $from.secret) $from.key)) -}}
{{- $problems = append $problems (printf "%s: the Secret %s has no key %s" $where $from.secret $from.key) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.secrets -}}
{{- if not (regexMatch (printf "(?m)^#?%s=" $name) $known) -}}
{{- $problems = append $problems (printf "secrets.%s is no setting of the application; .env.example lists them" $name) -}}
{{- end -}}
{{- end -}}
{{- $own := "^(HOST|PORT|ENVIRONMENT|DRAIN_DELAY|SHUTDOWN_TIMEOUT|METRICS|METRICS_HOST|METRICS_PORT|WORKER_METRICS_PORT|WORKER_QUEUES|WORKER_DRAIN_TIMEOUT)$" -}}
{{- range $where, $settings := include "app.allSettings" . | fromYaml -}}
{{- range $name, $value := $settings -}}
{{- if not (regexMatch (printf "(?m)^#?%s=" $name) $known) -}}
{{- $problems = append $problems (printf "%s.%s is no setting of the application; .env.example lists them" $where $name) -}}
{{- else if regexMatch $own $name -}}
{{- $problems = append $problems (printf "%s.%s is what the chart sets: values.yaml has another value for it" $where $name) -}}
{{- else if and (regexMatch "(SECRET_KEY|SECRET_KEYS_OLD|PASSWORD|_CLIENT_SECRET|_TOKEN|_DSN|_MORE_PROVIDERS|^DATABASE_(OWNER_|REPLICA_)?URL|^REDIS_.*_URL)$" $name) (ne $value "off") -}}
{{- $problems = append $problems (printf "%s.%s is a secret: name the Secret that has it, as secrets.%s.secret=app" $where $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- if not .Values.ingress.hosts -}}
{{- $problems = append $problems "ingress.hosts is empty: the names that the API answers to" -}}
{{- end -}}
{{- if not .Values.ingress.tlsSecret -}}
{{- $problems = append $problems "ingress.tlsSecret is missing: a Secret of type kubernetes.io/tls; the refresh cookie is sent over HTTPS only" -}}
{{- end -}}
{{- if not .Values.ingress.trustedProxies -}}
{{- $problems = append $problems "ingress.trustedProxies is empty: without the networks of the ingress controller's pods, all clients share its address and one budget of logins" -}}
{{- end -}}
{{- end -}}
{{- with .Values.api.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- $problems = append $problems "api.autoscaling.minReplicas is above maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- $working := list -}}
{{- range .Values.workers }}{{ if kindIs "map" . }}{{ $working = append $working . }}{{ end }}{{ end -}}
{{- if not (or $working (eq (get .Values.settings "REDIS_QUEUE_URL") "off")) -}}
{{- $problems = append $problems "workers is empty: nothing would run the jobs, nor what is scheduled" -}}
{{- end -}}
{{- range $name, $given := .Values.workers -}}
{{- if $given | kindIs "map" -}}
{{- with (include "app.worker" (dict "root" $ "worker" $given) | fromYaml).autoscaling -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- $problems = append $problems (printf "workers.%s.autoscaling.minReplicas is above maxReplicas" $name) -}}
{{- end -}}
{{- if and (ne .kind "none") (not $.Values.metrics.enabled) -}}
{{- $problems = append $problems (printf "workers.%s.autoscaling.kind is %s, which goes by the age of the queue: metrics.enabled is needed" $name .kind) -}}
{{- end -}}
{{- if and (eq .kind "keda") (not $.Values.metrics.prometheusUrl) -}}
{{- $problems = append $problems (printf "metrics.prometheusUrl is missing: KEDA asks it for workers.%s" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.metrics -}}
{{- if and (not .enabled) (or .serviceMonitor.enabled .rules.enabled .dashboard.enabled) -}}
{{- $problems = append $problems "metrics.enabled is false: serviceMonitor, rules and dashboard would show nothing" -}}
{{- end -}}
{{- end -}}
{{- if .Values.pgbouncer.enabled -}}
{{- if not .Values.pgbouncer.server.host -}}
{{- $problems = append $problems "pgbouncer.server.host is missing: where PostgreSQL is" -}}
{{- end -}}
{{- if not .Values.pgbouncer.userlist.secret -}}
{{- $problems = append $problems "pgbouncer.userlist.secret is missing: a Secret with the application's role and password" -}}
{{- end -}}
{{- if and .Values.migration.enabled (not .Values.secrets.DATABASE_OWNER_URL) -}}
{{- $problems = append $problems "secrets.DATABASE_OWNER_URL is missing: migrations go past PgBouncer, whose connections keep no lock" -}}
{{- end -}}
{{- end -}}
{{- with $problems -}}
{{- fail (printf "the values can't be used:\n  - %s" (join "\n  - " .)) -}}
{{- end -}}
{{- end }}

{{- define "app.allSettings" -}}
settings:
  {{- toYaml .Values.settings | nindent 2 }}
workerDefaults.settings:
  {{- toYaml .Values.workerDefaults.settings | nindent 2 }}
{{- range $name, $worker := .Values.workers }}
{{- if $worker | kindIs "map" }}
workers.{{ $name }}.settings:
  {{- toYaml ($worker.settings | default dict) | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
