from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("userapps", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="userapp",
            name="thumbnail",
            field=models.CharField(blank=True, db_default="", max_length=500),
        ),
    ]
