{{/* Names and labels. */}}

{{- define "rapport.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters, so that "-interactions-worker" fits behind. */}}
{{- define "rapport.fullname" -}}
{{- $name := include "rapport.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rapport.services" -}}
interactions loyalty followup metrics
{{- end -}}

{{/* The processes of a service: root, service. */}}
{{- define "rapport.kinds" -}}
worker api{{ if and .root.Values.mailIn.enabled (eq .service "interactions") }} mail{{ end }}
{{- end -}}

{{/* What tells this release's pods from all others. */}}
{{- define "rapport.selector" -}}
app.kubernetes.io/name: {{ include "rapport.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rapport.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "rapport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: rapport
{{- end -}}

{{/* A pod's: nothing that changes with the chart alone, or every upgrade would restart it. */}}
{{- define "rapport.podLabels" -}}
{{ include "rapport.selector" .root }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ .component }}
{{- with .root.Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "rapport.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rapport.clvImage" -}}
{{- with .Values.clv.image -}}
{{- /* Where the other is: a name without a registry is pulled from Docker Hub. */ -}}
{{- $repository := .repository | default (printf "%s-fit" $.Values.image.repository) -}}
{{- if .digest -}}
{{ $repository }}@{{ .digest }}
{{- else -}}
{{ $repository }}:{{ .tag | default $.Values.image.tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rapport.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "rapport.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "rapport.priorityClass" -}}
{{- if .Values.priorityClass.create -}}
{{- /* Of the cluster, not of a namespace: two releases of one name would share it. */ -}}
{{- .Values.priorityClass.name | default (printf "%s-%s" .Release.Namespace (include "rapport.fullname" .)) -}}
{{- else -}}
{{- .Values.priorityClass.name -}}
{{- end -}}
{{- end -}}

{{/* Where a service's API is reached by others within the cluster. */}}
{{- define "rapport.inside" -}}
http://{{ include "rapport.fullname" .root }}-{{ .service }}-api
{{- end -}}
