{{/* What every pod has: never root, nothing to write on, no token, no privilege (Pod Security: restricted). */}}

{{- define "rapport.podSecurity" -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .root.Values.runAsUser }}
  runAsUser: {{ int . }}
  runAsGroup: {{ int . }}
  fsGroup: {{ int . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "rapport.containerSecurity" -}}
image: {{ .image | default (include "rapport.image" .root) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* The command line behind image.command. */}}
{{- define "rapport.command" -}}
{{- concat .root.Values.image.command .words | toJson -}}
{{- end -}}

{{- define "rapport.spread" -}}
{{- if ne .root.Values.topologySpread "off" }}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ ternary "DoNotSchedule" "ScheduleAnyway" (eq $.root.Values.topologySpread "hard") }}
    labelSelector:
      matchLabels:
        {{- include "rapport.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end -}}

{{/* A Job of one command: root, words, kind, and account; service, image and memoryMiB where they are not the usual
     ones. Hooks bring their own annotations. */}}
{{- define "rapport.job" -}}
{{- $here := merge (dict "service" (.service | default "")) . -}}
spec:
  backoffLimit: {{ .backoffLimit | default 6 }}
  activeDeadlineSeconds: {{ .seconds | default 300 }}
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels:
        {{- include "rapport.podLabels" (dict "root" .root "component" .kind) | nindent 8 }}
      {{- with .root.Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "rapport.podSecurity" . | nindent 6 }}
      # What failed stays, so that its log can be read.
      restartPolicy: Never
      containers:
        - name: {{ .kind }}
          {{- include "rapport.containerSecurity" . | nindent 10 }}
          command: {{ include "rapport.command" . }}
          env: {{- include "rapport.env" $here | nindent 12 }}
          resources:
            requests: {cpu: 50m, memory: {{ .memoryMiB | default 192 | int }}Mi}
            limits: {cpu: "1", memory: {{ .memoryMiB | default 192 | int }}Mi}
          {{- with include "rapport.mounts" $here | trim }}
          volumeMounts: {{- . | nindent 12 }}
          {{- end }}
      {{- with include "rapport.volumes" $here | trim }}
      volumes: {{- . | nindent 8 }}
      {{- end }}
{{- end -}}
