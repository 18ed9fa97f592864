{{/* A pod of the application's image: `own` are settings over those of the values, `withheld` secrets
that are for others, `grace` seconds to end in, `probes` and `ports` texts. */}}
{{- define "app.pod" -}}
{{- $root := .root -}}
{{- $common := include "app.commonSettings" $root | fromYaml -}}
{{- $settings := merge (deepCopy .own) $common $root.Values.settings -}}
{{- $secrets := dict -}}
{{- range $name, $from := $root.Values.secrets -}}
{{- if and $from (not (has $name $.withheld)) }}{{ $_ := set $secrets $name $from }}{{ end -}}
{{- end -}}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
automountServiceAccountToken: false
# A Service called redis-cache would else set REDIS_CACHE_PORT, a setting of ours, to an address.
enableServiceLinks: false
restartPolicy: {{ .restart }}
terminationGracePeriodSeconds: {{ .grace }}
{{- include "app.scheduling" $root }}
securityContext:
{{- include "app.podSecurity" (dict "user" 10001) | nindent 2 }}
containers:
  - name: {{ .name }}
    image: {{ include "app.image" $root.Values.image }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    {{- with .command }}
    command: {{ toJson . }}
    {{- end }}
    securityContext:
      {{- include "app.containerSecurity" . | nindent 6 }}
    env:
      {{- range $name, $value := $settings }}
      {{- if not (kindIs "invalid" $value) }}
      - name: {{ $name }}
        value: {{ $value | toString | quote }}
      {{- end }}
      {{- end }}
      # Python counts the node's cores, not what a pod may use; threads that hash passwords go by it.
      - name: PYTHON_CPU_COUNT
        valueFrom: { resourceFieldRef: { resource: limits.cpu } }
      {{- range $name, $_ := $secrets }}
      - name: {{ $name }}_FILE
        value: /run/secrets/app/{{ $name }}
      {{- end }}
    {{- with .ports }}
    ports:
      {{- . | nindent 6 }}
    {{- end }}
    {{- with .probes }}
    {{- . | nindent 4 }}
    {{- end }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      - { name: tmp, mountPath: /tmp }
      - { name: secrets, mountPath: /run/secrets/app, readOnly: true }
volumes:
  - name: tmp
    emptyDir: { sizeLimit: {{ $root.Values.tmpSize }} }
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- range $name, $from := $secrets }}
        - secret:
            name: {{ $from.secret }}
            items: [{ key: {{ $from.key | default $name }}, path: {{ $name }} }]
        {{- end }}
{{- end }}

{{/* The restricted Pod Security Standard, and a root filesystem that can't be written. */}}
{{- define "app.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "app.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "app.scheduling" -}}
{{- with .Values.scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.scheduling.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.scheduling.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Pods of one selector apart from each other, as far as there is room. */}}
{{- define "app.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "app.selector" $ | nindent 8 }}
    # Else the old pods of a rollout would count, too.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}

{{- define "app.podMetadata" -}}
labels:
  {{- include "app.selector" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
