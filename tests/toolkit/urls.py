"""Where it answers: below /o, every path with a slash at its end."""
from django.urls import include, path

urlpatterns = [path("o/", include("oauth2_provider.urls",
                                  namespace="oauth2_provider"))]
