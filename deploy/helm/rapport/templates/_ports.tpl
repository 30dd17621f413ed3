{{/* The ports of RAPPORT_KAFKA, of whichever service, as a JSON list; 9092 where none is told. */}}
{{- define "rapport.kafkaPorts" -}}
{{- $ports := list -}}
{{- $texts := list .Values.settings.RAPPORT_KAFKA -}}
{{- range $service := splitList " " (include "rapport.services" .) -}}
{{- $texts = append $texts (index $.Values.services $service).settings.RAPPORT_KAFKA -}}
{{- end -}}
{{- range compact $texts -}}
{{- range splitList "," (include "rapport.text" .) -}}
{{- $port := regexFind ":[0-9]+$" (trim .) | trimPrefix ":" | default "9092" -}}
{{- $ports = append $ports (int $port) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{- define "rapport.mailPort" -}}
{{- $own := .Values.services.followup.settings -}}
{{- $own.RAPPORT_SMTP_PORT | default .Values.settings.RAPPORT_SMTP_PORT | default 25 | int -}}
{{- end -}}
