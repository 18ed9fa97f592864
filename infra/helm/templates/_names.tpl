{{- define "app.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The labels that a selector has: (dict "root" $ "component" "api" "worker" "NAME or none") */}}
{{- define "app.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .worker }}
worker: {{ . }}
{{- end }}
{{- end }}

{{- define "app.labels" -}}
{{ include "app.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "app.image" -}}
{{- if .digest -}}
{{ .repository }}{{ with .tag }}:{{ . }}{{ end }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end }}

{{/* A worker's values over those of all workers: (dict "root" $ "worker" $values) */}}
{{- define "app.worker" -}}
{{- mergeOverwrite (deepCopy .root.Values.workerDefaults) (deepCopy .worker) | toYaml -}}
{{- end }}

{{/* What the chart says to every process. */}}
{{- define "app.commonSettings" -}}
ENVIRONMENT: {{ .Values.environment | quote }}
{{- if .Values.metrics.enabled }}
METRICS: "on"
METRICS_HOST: 0.0.0.0
{{- end }}
{{- if .Values.pgbouncer.enabled }}
DATABASE_PGBOUNCER: "true"
{{- end }}
{{- end }}
